import { setTimeout as sleep } from 'node:timers/promises';
import type { BackupSession } from './session.ts';

const LOOK_EVERY = 1_000;

/**
 * Looks every second whether Postgres still knows the backup, so that hours of copying are not in vain: it forgets it
 * when the session ends, and cannot end one of a standby that was promoted. Resolves when `signal` ends.
 */
export async function watchSession(
  session: BackupSession,
  startedInRecovery: boolean,
  signal: AbortSignal,
  onEnded: (error: unknown) => void,
): Promise<void> {
  while (!signal.aborted) {
    await sleep(LOOK_EVERY, undefined, { signal }).catch(() => undefined);
    if (signal.aborted) return;
    try {
      // Not by this signal, which ends the connection of a query that it interrupts.
      await session.check(startedInRecovery, AbortSignal.timeout(60_000));
    } catch (error) {
      onEnded(error);
      return;
    }
  }
}
