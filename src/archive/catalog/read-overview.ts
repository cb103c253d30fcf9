import { readIdentity } from '../identity.ts';
import { binariesFor } from '../restore/binaries-for.ts';
import { lastCommit } from '../restore/look-up.ts';
import { segmentBytesOf } from '../restore/segment-bytes.ts';
import type { RestoreSource } from '../restore/source.ts';
import { WalReader } from '../restore/wal-reader.ts';
import { listBackups } from './list-backups.ts';
import { type ArchiveOverview, type OverviewSource, overviewOf, waysOf } from './overview.ts';
import { isRestorable, type Recoverable } from './recoverable.ts';
import { takeWalInventory } from './wal-inventory.ts';

export interface ReadOverviewOptions {
  /**
   * Whether the last commit of each way is looked up in WAL itself: of a cluster that works a download of one segment or
   * two, of one that was idle for long a great many. After ten seconds what is not found yet is told as unknown.
   */
  readonly times: boolean;
  /** The directory of Postgres's programs; null: looked for. */
  readonly binDirectory: string | null;
}

/** So many different ends are looked up, the newest first: archives with more forks than that are rare. */
const TIMES_MAX = 4;
/** For all of them together, in milliseconds: an agent must answer before its server takes the caller for gone (30 s). */
const TIMES_WITHIN = 10_000;

/** What an archive holds, read now. @throws ArchiveError */
export async function readOverview(
  source: RestoreSource,
  { times, binDirectory }: ReadOverviewOptions,
  signal: AbortSignal,
): Promise<ArchiveOverview> {
  const identity = await readIdentity(source.store, { signal });
  const catalog = await listBackups(source, signal);
  const segmentBytes = await segmentBytesOf(source, signal);
  const inventory = segmentBytes === null ? null : await takeWalInventory(source, segmentBytes, signal);
  const overview: OverviewSource = {
    archive: source.store.name,
    layout: source.layout.kind,
    systemIdentifier: identity?.systemIdentifier ?? null,
    catalog,
    inventory,
  };
  const known = new Map<string, Date | null>();
  const endOf = ({ timeline, until }: Recoverable): string => `${timeline} ${until}`;
  const version = catalog.backups.at(-1)?.postgresVersion ?? 0;
  const binaries = times
    ? await binariesFor(version === 0 ? null : Math.floor(version / 10_000), binDirectory)
    : null;
  if (binaries !== null && segmentBytes !== null) {
    await using reader = await WalReader.open(source, segmentBytes, binaries.directory);
    const within = AbortSignal.timeout(TIMES_WITHIN);
    for (const way of waysOf(overview).filter(isRestorable).reverse()) {
      if (known.has(endOf(way))) continue;
      if (known.size === TIMES_MAX) break;
      known.set(endOf(way), await lastCommit(reader, way, within, signal));
    }
  }
  return overviewOf(overview, (way) => known.get(endOf(way)) ?? null);
}
