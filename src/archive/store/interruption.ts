import { ArchiveCancelledError, type ArchiveError, StoreUnreachableError } from '../errors.ts';

/** What an AbortSignal ended: the caller's will, or a deadline that passed without an answer. */
export function interruption(store: string, reason: DOMException): ArchiveError {
  return reason.name === 'TimeoutError'
    ? new StoreUnreachableError(store, 'no answer in time', reason)
    : new ArchiveCancelledError(`a call of ${store}`, reason);
}
