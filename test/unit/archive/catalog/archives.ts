import type { Backup } from '../../../../src/archive/catalog/backup.ts';
import { SegmentRuns } from '../../../../src/archive/catalog/segment-runs.ts';
import type { TimelineWal, WalInventory } from '../../../../src/archive/catalog/wal-inventory.ts';
import { lsnAt } from '../../../../src/ha/lsn.ts';
import { timelineId } from '../../../../src/ha/units.ts';

export const SEGMENT = 16 * 1024 ** 2;

/** The LSN of a place counted in segments: 3.5 is in the middle of segment 3. */
export const at = (segments: number) => lsnAt(Math.round(segments * SEGMENT));

/** A moment counted in minutes from a beginning. */
export const minute = (minutes: number) => new Date(Date.UTC(2026, 0, 1) + minutes * 60_000);

/** Numbers from the first to the last. */
export const through = (first: number, last: number) =>
  Array.from({ length: Math.max(0, last - first + 1) }, (_, index) => first + index);

/** WAL by timelines: segments by number, pieces of the tail and forks by places. */
export function inventoryOf(
  timelines: Readonly<
    Record<
      number,
      {
        readonly segments?: readonly number[];
        readonly tail?: readonly (readonly [number, number])[];
        readonly written?: number;
        readonly forks?: readonly (readonly [number, number])[];
      }
    >
  >,
): WalInventory {
  const all = Object.entries(timelines).map(([id, given]) => ({ timeline: timelineId(Number(id)), given }));
  return {
    segmentBytes: SEGMENT,
    timelines: new Map(
      all
        .filter(({ given }) => given.segments !== undefined || given.tail !== undefined)
        .map(({ timeline, given }): [typeof timeline, TimelineWal] => [
          timeline,
          {
            timeline,
            segments: SegmentRuns.of(given.segments ?? []),
            tail: (given.tail ?? []).map(([start, end]) => ({
              key: `pgwarden/tail/${timeline}/${start}-${end}`,
              timeline,
              start: at(start),
              end: at(end),
            })),
            labels: [],
            modifiedAt: minute(given.written ?? 1_000_000),
          },
        ]),
    ),
    histories: new Map(
      all
        .filter(({ given }) => given.forks !== undefined)
        .map(({ timeline, given }) => [
          timeline,
          (given.forks ?? []).map(([from, place]) => ({ timeline: timelineId(from), switchLsn: at(place) })),
        ]),
    ),
    damaged: [],
    unknown: [],
    objects: 0,
    storedBytes: 0,
  };
}

/** A backup between two places, taken in the minutes of the same number. */
export function backupOf(
  id: string,
  start: number,
  end: number,
  more: Partial<Backup> & { readonly on?: number } = {},
): Backup {
  const { on = 1, ...rest } = more;
  return {
    id,
    layout: 'wal-g',
    timeline: timelineId(on),
    startLsn: at(start),
    endLsn: at(end),
    startedAt: minute(start),
    finishedAt: minute(end),
    systemIdentifier: '7',
    postgresVersion: 150_018,
    permanent: false,
    parent: null,
    changes: null,
    tablespaces: [],
    storedBytes: 1,
    originalBytes: 2,
    sentinelKey: `basebackups_005/${id}_backup_stop_sentinel.json`,
    folder: `basebackups_005/${id}/`,
    userData: undefined,
    ...rest,
  };
}
