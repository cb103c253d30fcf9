import type { Backup } from '../../../../src/archive/catalog/backup.ts';
import { SegmentRuns } from '../../../../src/archive/catalog/segment-runs.ts';
import type { TimelineWal, WalInventory } from '../../../../src/archive/catalog/wal-inventory.ts';
import type { Holdings } from '../../../../src/archive/retention/plan.ts';
import { parseTailKey, tailName } from '../../../../src/archive/tail/names.ts';
import { parseSegment, segmentName, walFileKind } from '../../../../src/archive/wal/names.ts';
import type { TimelineFork } from '../../../../src/ha/peer.ts';
import { type TimelineId, timelineId } from '../../../../src/ha/units.ts';
import { at, backupOf, minute, SEGMENT } from '../catalog/archives.ts';

/** An archive as a list of keys, and what only its files say. */
export interface Model {
  readonly keys: readonly string[];
  readonly backups: readonly Backup[];
  readonly histories: ReadonlyMap<TimelineId, readonly TimelineFork[]>;
  readonly writtenAt: ReadonlyMap<string, Date>;
  readonly now: Date;
}

/** mulberry32: the same numbers for the same seed. */
export function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/**
 * The archive of a cluster that had a life: it wrote, took backups (some permanent, some increments), failed over, was
 * taken back to an earlier place, and lost an object now and then.
 */
export function livedArchive(seed: number): Model {
  const random = randomOf(seed);
  const below = (most: number) => Math.floor(random() * most);
  const keys = new Map<string, Date>();
  const histories = new Map<TimelineId, TimelineFork[]>();
  const backups: Backup[] = [];
  let timeline = timelineId(1);
  let highest = 1;
  let forks: TimelineFork[] = [];
  let place = 1;
  let time = 0;
  const write = (until: number): void => {
    for (let number = Math.floor(place); number < Math.floor(until); number++)
      keys.set(`wal_005/${segmentName({ timeline, number }, SEGMENT)}.zst`, minute(time));
    place = until;
    time += 1 + below(30);
  };
  const promote = (from: readonly TimelineFork[], left: TimelineId, where: number): void => {
    forks = [...from, { timeline: left, switchLsn: at(where) }];
    highest += 1 + below(2);
    timeline = timelineId(highest);
    histories.set(timeline, forks);
    keys.set(`wal_005/${timeline.toString(16).toUpperCase().padStart(8, '0')}.history.zst`, minute(time));
    place = where;
  };
  for (let step = 10 + below(50); step > 0; step--) {
    const what = random();
    if (what < 0.5) write(place + random() * 4);
    else if (what < 0.8) {
      const start = place;
      const started = minute(time);
      write(place + random() * 1.5);
      const last = backups.at(-1);
      const name = `base_${segmentName({ timeline, number: Math.floor(start) }, SEGMENT)}`;
      if (backups.some(({ id }) => id === name)) continue;
      const parent = random() < 0.2 && last?.timeline === timeline ? last.id : null;
      backups.push(
        backupOf(name, start, place, {
          on: timeline,
          startedAt: started,
          finishedAt: minute(time),
          permanent: random() < 0.1,
          systemIdentifier: random() < 0.05 ? 'another' : '7',
          parent,
        }),
      );
    } else if (what < 0.92) promote(forks, timeline, place);
    else {
      const source = backups[below(backups.length)];
      if (source === undefined) continue;
      const own = histories.get(source.timeline) ?? [];
      const end = Number.parseInt(source.endLsn.split('/')[1] ?? '', 16) / SEGMENT;
      promote(own, source.timeline, end + random());
    }
  }
  keys.set(
    `${tailName({ timeline, start: at(Math.floor(place)), end: at(place + 0.01) })}.zst`,
    minute(time),
  );
  for (const key of [...keys.keys()])
    if (random() < 0.01 && !key.includes('history') && !key.includes('tail')) keys.delete(key);
  return { keys: [...keys.keys()], backups, histories, writtenAt: keys, now: minute(time + below(1000)) };
}

/** What a listing of the model's keys gives. */
export function holdingsOf(model: Model): Holdings {
  const numbers = new Map<TimelineId, number[]>();
  const tails = new Map<TimelineId, TimelineWal['tail'][number][]>();
  const modified = new Map<TimelineId, Date>();
  for (const key of model.keys) {
    const piece = parseTailKey(key);
    const name = key.replace('wal_005/', '').replace('.zst', '');
    const segment = walFileKind(name) === 'segment' ? parseSegment(name, SEGMENT) : null;
    const timeline = piece?.timeline ?? segment?.timeline;
    if (timeline === undefined) continue;
    if (piece !== null) tails.set(timeline, [...(tails.get(timeline) ?? []), piece]);
    if (segment !== null) numbers.set(timeline, [...(numbers.get(timeline) ?? []), segment.number]);
    const written = model.writtenAt.get(key) as Date;
    if (written > (modified.get(timeline) ?? new Date(0))) modified.set(timeline, written);
  }
  const timelines = new Set([...numbers.keys(), ...tails.keys()]);
  const inventory: WalInventory = {
    segmentBytes: SEGMENT,
    timelines: new Map(
      [...timelines].map((timeline) => [
        timeline,
        {
          timeline,
          segments: SegmentRuns.of(numbers.get(timeline) ?? []),
          tail: tails.get(timeline) ?? [],
          labels: [],
          modifiedAt: modified.get(timeline) ?? null,
        },
      ]),
    ),
    histories: model.histories,
    damaged: [],
    unknown: [],
    objects: model.keys.length,
    storedBytes: 0,
  };
  const backups = [...model.backups].sort((a, b) => a.finishedAt.getTime() - b.finishedAt.getTime());
  return {
    catalog: { backups, unreadable: [], unfinished: [] },
    inventory,
    systemIdentifier: '7',
    now: model.now,
  };
}
