import { setTimeout as sleep } from 'node:timers/promises';
import { compareLsn } from '../../ha/lsn.ts';
import type { ObjectStore } from '../store/ports.ts';
import { segmentAt } from '../wal/names.ts';
import { BackupInterruptedError, BackupNameTakenError } from './errors.ts';
import { backupName, claimKey, sentinelKey } from './names.ts';
import type { Primary } from './primary.ts';
import type { BackupSession, ClusterFacts, StartPoint } from './session.ts';

/** A backup that Postgres has begun, and whose name in the archive is claimed. */
export interface BegunBackup {
  readonly name: string;
  readonly start: StartPoint;
}

export interface BeginOptions {
  readonly store: ObjectStore;
  readonly facts: ClusterFacts;
  readonly primary: Primary;
  /** What the claim says: for people. */
  readonly claim: Readonly<Record<string, unknown>>;
  readonly label: string;
}

/** A standby that replays its backlog. */
const REPLAY_WITHIN = 30 * 60_000;
const LOOK_EVERY = 200;

/**
 * Begins a backup at a checkpoint of its own. A standby can only begin where its primary made a checkpoint, and two
 * backups that begin in one segment would have one name: the primary is asked for a segment and a checkpoint first.
 *
 * @throws BackupNameTakenError where the name is taken all the same; BackupError, ArchiveError
 */
export async function beginBackup(
  session: BackupSession,
  { store, facts, primary, claim, label }: BeginOptions,
  signal: AbortSignal,
): Promise<BegunBackup> {
  if (facts.inRecovery) {
    const lsn = await primary.switchWal({ checkpoint: true }, signal);
    const until = performance.now() + REPLAY_WITHIN;
    while (compareLsn(await session.replayed(signal), lsn) < 0) {
      if (performance.now() > until) throw new BackupInterruptedError(`it did not replay to ${lsn} in time`);
      await sleep(LOOK_EVERY, undefined, { signal });
    }
  }
  const start = await session.start(label, signal);
  const name = backupName(segmentAt(start.timeline, start.lsn, facts.walSegmentBytes), facts.walSegmentBytes);
  for (const kind of ['whole', 'increment'] as const)
    if ((await store.head(sentinelKey(name, kind), { signal })) !== null)
      throw new BackupNameTakenError(name);
  const content = Buffer.from(`${JSON.stringify({ ...claim, name, startLsn: start.lsn })}\n`);
  if ((await store.create(claimKey(name), content, { signal })) === 'exists')
    throw new BackupNameTakenError(name);
  return { name, start };
}
