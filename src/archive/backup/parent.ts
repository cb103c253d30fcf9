import { compareLsn } from '../../ha/lsn.ts';
import type { TimelineFork } from '../../ha/peer.ts';
import type { Backup } from '../catalog/backup.ts';
import { chainOf } from '../catalog/chain.ts';
import { WALG } from '../catalog/layout.ts';
import { listBackups } from '../catalog/list-backups.ts';
import { parseManifest, type ReadManifest } from '../verify/manifest.ts';
import { notedTars } from '../verify/noted-tars.ts';
import { tarFiles } from '../verify/tar-files.ts';
import type { WalArchive } from '../wal/push-file.ts';
import { tarName } from './names.ts';
import { type ClusterFacts, majorOf, type StartPoint } from './session.ts';

/** The backup that an increment is to be of. */
export interface Parent {
  readonly backup: Backup;
  /** The whole one that everything begins with. */
  readonly root: Backup;
  /** The parent is the how-manieth increment of it; 0: it is the whole one. */
  readonly depth: number;
  readonly manifest: ReadManifest;
}

/** Why all is to be backed up instead: goes on from "a whole backup is taken, since". */
export interface NoParent {
  readonly why: string;
}

const FIRST_MAJOR = 17;
const MANIFEST = 'backup_manifest';

/**
 * Finds what the next increment is to be of: the newest backup, if pgwarden took it of this cluster and fewer than
 * `most` increments lead to it.
 *
 * @throws ArchiveError
 */
export async function findParent(
  archive: WalArchive,
  facts: ClusterFacts,
  most: number,
  signal: AbortSignal,
): Promise<Parent | NoParent> {
  const major = majorOf(facts);
  if (major < FIRST_MAJOR)
    return { why: `Postgres ${major} has no summaries of its WAL, which 17 and later have` };
  if (!facts.summarizesWal) return { why: 'summarize_wal is off: set backup.incremental' };
  const { backups } = await listBackups({ store: archive.store, layout: WALG }, signal);
  const backup = backups.at(-1);
  if (backup === undefined) return { why: 'the archive has none yet' };
  const chain = chainOf(backup, backups);
  if (chain === null || notedTars(backup.userData) === null)
    return { why: `${backup.id}, the newest, is not of pgwarden` };
  if (
    backup.systemIdentifier !== facts.systemIdentifier ||
    majorOf({ version: backup.postgresVersion }) !== major
  )
    return { why: `${backup.id}, the newest, is of another cluster or major version` };
  if (backup.tablespaces.length > 0) return { why: `${backup.id}, the newest, has tablespaces` };
  if (chain.length > most)
    return {
      why: `${backup.id} is the increment number ${chain.length - 1}, and backup.incrementsMost is ${most}`,
    };
  const manifest = await readManifest(archive, backup, signal);
  return manifest === null
    ? { why: `${backup.id}, the newest, has no manifest` }
    : { backup, root: chain[0], depth: chain.length - 1, manifest };
}

/**
 * Whether everything of the parent belongs to the history that a backup begins in (as PrepareForIncrementalBackup of
 * basebackup_incremental.c demands): a takeover may have left some of its WAL behind. `forks`: those that led to the
 * start's timeline.
 */
export function leadsTo(parent: Parent, start: StartPoint, forks: readonly TimelineFork[]): boolean {
  return parent.manifest.ranges.every(({ timeline, end }) => {
    const left =
      timeline === start.timeline ? start.lsn : forks.find((one) => one.timeline === timeline)?.switchLsn;
    return left !== undefined && compareLsn(end, left) <= 0;
  });
}

async function readManifest(
  { store, codec }: WalArchive,
  backup: Backup,
  signal: AbortSignal,
): Promise<ReadManifest | null> {
  const prefix = tarName(backup.id, 'backup_label');
  for await (const { key } of store.list(prefix, { signal })) {
    const { body } = await store.get(key, { signal });
    const want = { checksums: false, keep: (path: string) => path === MANIFEST };
    let found: ReadManifest | null = null;
    for await (const { content } of tarFiles(codec.decode(store.name, key, body), want))
      if (content !== null) found = parseManifest(content);
    if (found !== null) return found;
  }
  return null;
}
