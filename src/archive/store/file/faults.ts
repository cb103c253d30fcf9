import {
  ArchiveError,
  StoreCredentialsError,
  StoreFaultError,
  StoreFullError,
  StoreUnreachableError,
} from '../../errors.ts';
import { interruption } from '../interruption.ts';

/** Errors of the file system in the terms of the archive. */
export function fileFault(store: string, error: unknown): ArchiveError {
  if (error instanceof ArchiveError) return error;
  if (error instanceof DOMException) return interruption(store, error);
  const message = error instanceof Error ? error.message : String(error);
  const code = error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
  switch (code) {
    case 'ENOSPC':
    case 'EDQUOT':
    case 'EFBIG':
      return new StoreFullError(store, message, error);
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return new StoreCredentialsError(store, message, error);
    case 'EIO':
    case 'ESTALE':
    case 'ETIMEDOUT':
    case 'ENOTCONN':
    case 'EHOSTDOWN':
    case 'EREMOTEIO':
      return new StoreUnreachableError(store, message, error);
    default:
      return new StoreFaultError(store, message, error);
  }
}

/** Whether it says that a file or a directory on its path is not there. */
export function isAbsent(error: unknown): boolean {
  const code = error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
  return code === 'ENOENT' || code === 'ENOTDIR';
}

/** For a look: null where there is none. */
export function absentIsNull(error: unknown): null {
  if (isAbsent(error)) return null;
  throw error;
}
