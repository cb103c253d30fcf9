/** Why the embedded API does not start, or has to end. `code` is stable; `remedy` says what the person should do. */
export abstract class EmbeddedApiError extends Error {
  abstract readonly code: string;
  abstract readonly remedy: string;
}

/** The address is taken by another process. */
export class PortInUseError extends EmbeddedApiError {
  readonly code = 'API_PORT_IN_USE';
  readonly remedy = 'Stop what listens there, or choose another port (0 takes any free one).';
  override readonly name = 'PortInUseError';

  constructor(host: string, port: number, cause: unknown) {
    super(`${host}:${port} is in use by another process`, { cause });
  }
}

/** The host is no address of this machine, or not one that may be bound. */
export class AddressUnavailableError extends EmbeddedApiError {
  readonly code = 'API_ADDRESS_UNAVAILABLE';
  readonly remedy = 'Choose 127.0.0.1 and a port above 1023.';
  override readonly name = 'AddressUnavailableError';

  constructor(host: string, port: number, cause: Error) {
    super(`Cannot listen on ${host}:${port}: ${cause.message}`, { cause });
  }
}

/** The host is not a loopback address: this API has no encryption and is for this machine alone. */
export class NotLoopbackError extends EmbeddedApiError {
  readonly code = 'API_NOT_LOOPBACK';
  readonly remedy = 'Give a token, or choose an address in 127.0.0.0/8, ::1 or localhost.';
  override readonly name = 'NotLoopbackError';

  constructor(host: string) {
    super(`Without a token the embedded API listens on loopback only, not on ${host}`);
  }
}

/** Another embedded API runs on the same directory. */
export class DirectoryInUseError extends EmbeddedApiError {
  readonly code = 'API_DIRECTORY_IN_USE';
  readonly remedy = 'Stop the other one first (pgwarden demo stop), or choose another directory.';
  override readonly name = 'DirectoryInUseError';

  constructor(directory: string) {
    super(`Another embedded API runs on ${directory}`);
  }
}

/** The directory holds files of somebody else. Nothing in it was changed. */
export class ForeignDirectoryError extends EmbeddedApiError {
  readonly code = 'API_FOREIGN_DIRECTORY';
  readonly remedy = 'Choose an empty directory, or one that an embedded API has made.';
  override readonly name = 'ForeignDirectoryError';

  constructor(directory: string, found: string) {
    super(`${directory} is not a directory of an embedded API: it holds ${found}`);
  }
}

/** The directory cannot be made, read or written. */
export class DirectoryAccessError extends EmbeddedApiError {
  readonly code = 'API_DIRECTORY_ACCESS';
  readonly remedy =
    'Check that the path is a directory, its permissions, and the space left on its file system.';
  override readonly name = 'DirectoryAccessError';

  constructor(directory: string, cause: Error) {
    super(`Cannot use ${directory}: ${cause.message}`, { cause });
  }
}

/** The directory was written by a version with another format. Nothing in it was changed. */
export class UnsupportedFormatError extends EmbeddedApiError {
  readonly code = 'API_UNSUPPORTED_FORMAT';
  readonly remedy = 'Use the version of pgwarden that made it, or remove the directory (pgwarden demo rm).';
  override readonly name = 'UnsupportedFormatError';

  constructor(directory: string, found: unknown, supported: number) {
    super(`${directory} has format ${JSON.stringify(found)}; this version reads format ${supported}`);
  }
}

/** A file of the store is damaged before its end: more than an interrupted write can explain. */
export class CorruptStoreError extends EmbeddedApiError {
  readonly code = 'API_STORE_CORRUPT';
  readonly remedy = 'Restore the directory from a copy, or remove it (pgwarden demo rm).';
  override readonly name = 'CorruptStoreError';

  constructor(file: string, detail: string) {
    super(`${file} is damaged: ${detail}`);
  }
}

/** A write to the store failed, for example because the disk is full. The change did not happen. */
export class StoreWriteError extends EmbeddedApiError {
  readonly code = 'API_STORE_WRITE';
  readonly remedy = 'Free space on the file system of the directory and check its permissions.';
  override readonly name = 'StoreWriteError';

  constructor(file: string, cause: Error) {
    super(`Cannot write ${file}: ${cause.message}`, { cause });
  }
}
