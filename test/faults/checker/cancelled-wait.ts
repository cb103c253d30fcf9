/** The parts of a notice of Postgres that matter here. */
interface Notice {
  readonly message?: string | undefined;
  readonly detail?: string | undefined;
}

/**
 * Whether a warning says that a commit did not wait to its end (a cancel or the end of the session met it; `syncrep.c`,
 * SyncRepWaitForLSN): the command succeeds, but nothing is promised of it. The message tells of the wait, the
 * detail what follows from it.
 */
export const tellsOfCancelledWait = ({ message = '', detail = '' }: Notice): boolean =>
  /wait for synchronous replication/.test(message) || /might not have been replicated/.test(detail);
