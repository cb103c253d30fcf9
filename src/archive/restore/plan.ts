import type { Lsn } from '../../ha/lsn.ts';
import type { TimelineId } from '../../ha/units.ts';
import type { Backup, BackupCatalog } from '../catalog/backup.ts';
import { chainOf } from '../catalog/chain.ts';
import { type Choice, chooseBackup } from '../catalog/choose.ts';
import { listBackups } from '../catalog/list-backups.ts';
import { isRestorable, type Recoverable, recoverableTo } from '../catalog/recoverable.ts';
import { presentTimeline } from '../catalog/timelines.ts';
import { takeWalInventory, type WalInventory } from '../catalog/wal-inventory.ts';
import { requireChain } from './backup-limits.ts';
import { binariesFor } from './binaries-for.ts';
import { NoBackupError, NoSourceError, OutOfReachError, TimelineError } from './errors.ts';
import { lastCommit, lookUp } from './look-up.ts';
import { describeRange } from './range-text.ts';
import { segmentBytesOf } from './segment-bytes.ts';
import type { RestoreSource } from './source.ts';
import { catalogTarget, describeTarget, type RestoreTarget, type TimelineChoice } from './target.ts';
import { WalReader } from './wal-reader.ts';

/** What somebody wants restored. */
export interface RestoreWish {
  readonly target: RestoreTarget;
  readonly timeline: TimelineChoice;
  /** Null: the newest from which the target is reached. */
  readonly backup: string | null;
  /** The directory of Postgres's programs; null: looked for. */
  readonly binDirectory: string | null;
}

/** What is going to be done. Nothing is written until there is one. */
export interface RestorePlan {
  readonly backup: Backup;
  /** What it is put together from: the whole backup first, itself last. */
  readonly chain: readonly [Backup, ...Backup[]];
  readonly target: RestoreTarget;
  readonly timeline: TimelineId;
  readonly segmentBytes: number;
  /** WAL is there from the backup's start to here. */
  readonly until: Lsn;
  readonly fromTail: boolean;
  /** What else the target could be. */
  readonly range: string;
  /** What was found out about the target: where the restore point or transaction is. */
  readonly foundAt: Lsn | null;
}

/**
 * Finds the backup and the way to a target, and proves that the archive has everything up to it. Reads only; of names,
 * transactions and times WAL itself is read, by pg_waldump, where it is installed.
 *
 * @throws OutOfReachError with what can be reached; NoBackupError, TimelineError, UnreadableBackupError, ArchiveError
 */
export async function planRestore(
  source: RestoreSource,
  wish: RestoreWish,
  report: (detail: string) => void,
  signal: AbortSignal,
): Promise<RestorePlan> {
  report('reading the catalogue of backups');
  const catalog = await listBackups(source, signal);
  requireSome(source, catalog, wish);
  const segmentBytes = await segmentBytesOf(source, signal);
  if (segmentBytes === null) throw new NoSourceError(source.store.name, 'it has backups, but no WAL');
  report('taking stock of the WAL');
  const inventory = await takeWalInventory(source, segmentBytes, signal);
  const usable = catalog.backups.filter((one) => chainOf(one, catalog.backups) !== null);
  const major = majorOf((wish.backup === null ? usable.at(-1) : named(catalog, wish.backup)) ?? null);
  const binaries = await binariesFor(major, wish.binDirectory);
  await using reader =
    binaries === null ? null : await WalReader.open(source, segmentBytes, binaries.directory);
  const looks: Looks = {
    inventory,
    backups: wish.backup === null ? usable : catalog.backups,
    reader,
    report,
    signal,
  };
  const { chosen, foundAt } = await choose(looks, wish);
  return {
    backup: chosen.backup,
    chain: requireChain(chosen.backup, catalog.backups, binaries),
    target: wish.target,
    timeline: chosen.timeline,
    segmentBytes,
    until: chosen.until,
    fromTail: chosen.wal.last?.fromTail ?? false,
    range: describeRange([chosen]),
    foundAt,
  };
}

/**
 * How long the last commit is looked for, in milliseconds: behind a long idle time it is many segments back. What is
 * not known by then is not refused; Postgres says at the end of WAL that it never met the target.
 */
const LAST_COMMIT_WITHIN = 120_000;

interface Looks {
  readonly inventory: WalInventory;
  readonly backups: readonly Backup[];
  readonly reader: WalReader | null;
  readonly report: (detail: string) => void;
  readonly signal: AbortSignal;
}

async function choose(
  looks: Looks,
  wish: RestoreWish,
): Promise<{ readonly chosen: Recoverable; readonly foundAt: Lsn | null }> {
  const { target } = wish;
  if (target.kind === 'name' || target.kind === 'xid') {
    const found = await findMark(looks, wish, target);
    if (found !== null) return { chosen: found.way, foundAt: found.lsn };
  }
  const choice = await withEndTimes(looks, wish);
  if (choice.chosen !== null) {
    requireNoHole(choice.chosen, target);
    return { chosen: choice.chosen, foundAt: null };
  }
  const reachable = choice.reachable.length > 0 ? choice.reachable : await timed(looks, waysOf(looks, wish));
  throw new OutOfReachError(describeTarget(target), whyNot(choice.why, target), describeRange(reachable));
}

/** The end of an archive with a hole is before the hole: who asks for the end means everything. */
function requireNoHole(way: Recoverable, target: RestoreTarget): void {
  if (target.kind !== 'latest' || !way.wal.isHole) return;
  throw new OutOfReachError(
    describeTarget(target),
    `the archive has a hole at ${way.until}, where ${way.wal.missing} is missing; name a target before it (--to-lsn ${way.until} is the last)`,
    describeRange([way]),
  );
}

/** A time to come is told as one. */
function whyNot(why: string, target: RestoreTarget): string {
  return target.kind === 'time' && Date.parse(target.time) > Date.now() ? `it is in the future; ${why}` : why;
}

/** The catalogue asks for the times of the last commits it needs; each is looked up, and it is asked again. */
async function withEndTimes(looks: Looks, wish: RestoreWish): Promise<Choice> {
  const { inventory, backups, reader, report, signal } = looks;
  const known = new Map<string, Date | null>();
  const within = AbortSignal.timeout(LAST_COMMIT_WITHIN);
  const wanted = {
    target: catalogTarget(wish.target),
    timeline: wish.timeline as 'latest' | 'current' | TimelineId,
    backup: wish.backup,
  };
  for (;;) {
    const asked: Recoverable[] = [];
    const choice = chooseBackup(inventory, backups, wanted, (one) => {
      const time = known.get(endOf(one));
      if (time === undefined) asked.push(one);
      return time ?? null;
    });
    const [first] = asked;
    if (reader === null || first === undefined || wish.target.kind !== 'time') return choice;
    report('looking for the last commit');
    const time = await lastCommit(reader, first, within, signal);
    if (time === null)
      report('the last commit was not found in two minutes: whether the target is reached, replay tells');
    known.set(endOf(first), time);
  }
}

function endOf({ timeline, until }: Recoverable): string {
  return `${timeline} ${until}`;
}

/** Where a name or a transaction is. Null: nobody can look (no pg_waldump of that major). @throws OutOfReachError */
async function findMark(
  looks: Looks,
  wish: RestoreWish,
  target: Extract<RestoreTarget, { kind: 'name' | 'xid' }>,
) {
  const { reader, report, signal } = looks;
  if (reader === null) return null;
  const ways = waysOf(looks, wish);
  if (ways.length === 0) return null;
  const what = describeTarget(target);
  const found = await lookUp(reader, ways, target, (at) => report(`looking for ${what}: ${at}`), signal);
  if (found !== null) return found;
  const asked = wish.backup === null ? 'behind any backup' : `behind the backup ${wish.backup}`;
  throw new OutOfReachError(
    what,
    `no WAL ${asked} on this timeline has it`,
    describeRange(await timed(looks, ways)),
  );
}

/** What each backup gives on the timeline that is asked for, the newest backup first. */
function waysOf({ inventory, backups }: Looks, { timeline, backup }: RestoreWish): Recoverable[] {
  const present = presentTimeline(inventory);
  return backups
    .filter(({ id }) => backup === null || id === backup)
    .map((one) => {
      const to = timeline === 'current' ? one.timeline : timeline === 'latest' ? present : timeline;
      return recoverableTo(inventory, one, (to ?? one.timeline) as TimelineId);
    })
    .filter((way) => way !== null)
    .filter(isRestorable)
    .reverse();
}

async function timed({ reader, signal }: Looks, ways: readonly Recoverable[]): Promise<Recoverable[]> {
  if (reader === null) return [...ways];
  const times = new Map<string, Date | null>();
  const within = AbortSignal.timeout(LAST_COMMIT_WITHIN);
  for (const way of ways)
    if (!times.has(endOf(way))) times.set(endOf(way), await lastCommit(reader, way, within, signal));
  return ways.map((way) => ({ ...way, untilTime: times.get(endOf(way)) ?? null }));
}

function requireSome(source: RestoreSource, { backups, unreadable }: BackupCatalog, wish: RestoreWish): void {
  const { name } = source.store;
  const ids = backups.map(({ id }) => id);
  const broken = unreadable.find(({ id }) => id === wish.backup);
  if (broken !== undefined)
    throw new NoBackupError(
      'RESTORE_BACKUP_UNKNOWN',
      `the backup ${broken.id} cannot be read: ${broken.why}`,
      ids,
    );
  if (wish.backup !== null && !ids.includes(wish.backup))
    throw new NoBackupError('RESTORE_BACKUP_UNKNOWN', `${name} has no backup ${wish.backup}`, ids);
  if (backups.length === 0) {
    const [first] = unreadable;
    const more = first === undefined ? '' : ` that can be read (${first.id}: ${first.why})`;
    throw new NoBackupError('RESTORE_NO_BACKUP', `${name} has no backup${more}`, []);
  }
  if (typeof wish.timeline === 'number' && wish.timeline < 1)
    throw new TimelineError(`there is no timeline ${wish.timeline}`, 'Timelines are numbered from 1.');
}

function named({ backups }: BackupCatalog, id: string): Backup | undefined {
  return backups.find((one) => one.id === id);
}

/** 15 for 150018; null: it is not told. */
export function majorOf(backup: Backup | null): number | null {
  return backup === null || backup.postgresVersion === 0 ? null : Math.floor(backup.postgresVersion / 10_000);
}
