import type { RecoveryGoal } from '../../ha/record.ts';
import type { View } from '../../ha/view.ts';
import type { RecoveryReport } from '../../http/recovery-report.ts';

/** What status pages tell of a recovery in place; null: there is none. */
export function recoveryReport(view: View): RecoveryReport | null {
  const operation = (view.record.current?.record ?? view.record.lastValid)?.recovery;
  if (operation === undefined) return null;
  const { id, state, goal, backup, by, at, pauses, paused } = operation;
  const phase = state === 'abandoning' ? 'back' : 'aside';
  const kept = [
    { member: view.self, kept: view.local.kept },
    ...view.peers.map((peer) => ({ member: peer.member, kept: peer.state?.kept ?? null })),
  ];
  const done = kept
    .filter((one) => one.kept?.id === id && one.kept.phase === phase)
    .map(({ member }) => member)
    .sort();
  return { id, state, target: goalText(goal), backup, by, at, pauses, paused, done };
}

/** For people: "the time 2030-01-31 03:00:00+00". */
export function goalText({ kind, value, exclusive }: RecoveryGoal): string {
  const before = exclusive ? 'just before ' : '';
  switch (kind) {
    case 'latest':
      return 'the end of the archive';
    case 'immediate':
      return 'the end of the backup';
    case 'time':
      return `${before}the time ${value}`;
    case 'lsn':
      return `${before}LSN ${value}`;
    case 'xid':
      return `${before}transaction ${value}`;
    case 'name':
      return `the restore point ${JSON.stringify(value)}`;
  }
}
