import { bounded } from '../wait.ts';
import { endClientSessions } from './door.ts';
import { FOLLOW_NOBODY, type ReceiverEnd, receiverEnded } from './receiver.ts';
import { type Running, reloadProven } from './reload.ts';

const BOUND_MS = 10_000;

/**
 * The first half of a promotion: the door is closed and no client session left (they would become writable), the new
 * cohort's names are in force, and the WAL receiver is ended. As `closeDoor`, setting the names and
 * `endReceiver` one after the other, but clients wait meanwhile: one reload proves all three, and the two sweeps, which
 * touch different processes, go on at the same time.
 */
export async function prepareToPromote(
  running: Running,
  replicationRole: string,
  synchronousStandbyNames: string,
  end: ReceiverEnd,
  signal: AbortSignal,
): Promise<void> {
  const limit = bounded(BOUND_MS, signal);
  await reloadProven(running, { ...FOLLOW_NOBODY, synchronousStandbyNames, open: false }, limit);
  end.unfollowed = running.files.followings;
  // On one session: another that only just connects would be taken for a client's.
  await running.server.with(limit, (session) =>
    Promise.all([endClientSessions(running, session, replicationRole, limit), receiverEnded(session, limit)]),
  );
}
