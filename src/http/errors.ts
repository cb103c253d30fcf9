/** An error of this folder: `code` is stable, `remedy` says what the person should do. */
export class HttpError extends Error {
  readonly code: string;
  readonly remedy: string;

  constructor(code: string, message: string, remedy: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
    this.code = code;
    this.remedy = remedy;
  }
}

/** The TCP address cannot be listened on: it is taken, not ours, or not allowed. */
export class ListenError extends HttpError {
  constructor(host: string, port: number, cause: NodeJS.ErrnoException) {
    super(
      'HTTP_LISTEN_FAILED',
      `cannot listen on ${host}:${port}: ${cause.code ?? cause.message}`,
      cause.code === 'EADDRINUSE'
        ? 'Another program listens on this address. Stop it, or choose another port for the agent.'
        : 'Choose an address of this machine, and a port that this user may listen on.',
      { cause },
    );
  }
}

/** Somebody answers on the agent's Unix socket: a second agent on the same directory. */
export class SocketInUseError extends HttpError {
  constructor(path: string) {
    super(
      'HTTP_SOCKET_IN_USE',
      `another agent answers on the Unix socket ${path}`,
      'Stop the other agent, or give this one a directory of its own.',
    );
  }
}

/** The Unix socket cannot be made: its path is too long, not a socket, or its directory is not writable. */
export class SocketPathError extends HttpError {
  constructor(path: string, why: string, options?: ErrorOptions) {
    super(
      'HTTP_SOCKET_PATH',
      `cannot make the Unix socket ${path}: ${why}`,
      'Choose a short path (at most 107 bytes) in a directory that the agent may write to, where no other file is.',
      options,
    );
  }
}

/** A certificate, key or CA file cannot be read or does not fit. */
export class TlsFilesError extends HttpError {
  constructor(message: string, options?: ErrorOptions) {
    super(
      'HTTP_TLS_FILES',
      `the TLS files cannot be used: ${message}`,
      'Check that the files exist, are PEM, are readable by the agent, and that the key belongs to the certificate.',
      options,
    );
  }
}

/** A peer answered something that is not the peer protocol. */
export class PeerAnswerError extends HttpError {
  constructor(path: string, expected: string) {
    super(
      'PEER_ANSWER',
      `the peer's answer is not valid: ${path} is not ${expected}`,
      'Check that the address belongs to a pgwarden agent of a compatible version.',
    );
  }
}

/** A peer answered with an HTTP error. */
export class PeerStatusError extends HttpError {
  readonly status: number;

  constructor(status: number, detail: string) {
    super(
      'PEER_STATUS',
      `the peer answered ${status}: ${detail}`,
      'Check that all members have the same token, certificates and version.',
    );
    this.status = status;
  }
}

/** A peer did not answer within the deadline. */
export class PeerTimeoutError extends HttpError {
  constructor(deadline: number) {
    super(
      'PEER_TIMEOUT',
      `the peer did not answer within ${deadline} ms`,
      'Check the network between the members and whether the peer is overloaded or stopped.',
    );
  }
}

/** A call to a peer could not be begun: the token, the CA or the certificate of this member is malformed. */
export class PeerRequestError extends HttpError {
  constructor(cause: unknown) {
    super(
      'PEER_REQUEST',
      `the peer cannot be called: ${cause instanceof Error ? cause.message : String(cause)}`,
      "Check this member's token, CA, certificate and key.",
      { cause },
    );
  }
}
