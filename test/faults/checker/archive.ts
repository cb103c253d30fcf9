import { parseEncodedName } from '../../../src/archive/codec/codec.ts';
import { parseSegment, segmentBounds } from '../../../src/archive/wal/names.ts';
import { compareLsn } from '../../../src/ha/lsn.ts';
import type { TimelineFork } from '../../../src/ha/peer.ts';
import type { Violation } from './history.ts';

/** Objects of the archive by name, each with a digest of its bytes. */
export type Archived = ReadonlyMap<string, string>;

/** No object is ever another one, and none goes. */
export function checkUntouched(before: Archived, after: Archived): readonly Violation[] {
  return [...before].flatMap(([name, digest]): readonly Violation[] => {
    const now = after.get(name);
    if (now === digest) return [];
    const what = now === undefined ? 'is gone from the archive' : 'was written over with other bytes';
    return [{ kind: 'archive-changed', message: `${name} ${what}` }];
  });
}

/**
 * Nothing of a history that the present one left is archived: no segment that goes on past where its timeline was left,
 * and none of a timeline that is not among the ancestors. `forks`: of the present timeline, oldest first.
 */
export function checkForks(
  names: Iterable<string>,
  present: number,
  forks: readonly TimelineFork[],
  segmentBytes: number,
): readonly Violation[] {
  const left = new Map<number, TimelineFork>(forks.map((fork) => [fork.timeline, fork]));
  return [...names].flatMap((name): readonly Violation[] => {
    const segment = parseSegment(parseEncodedName(name).name, segmentBytes);
    if (segment === null || segment.timeline >= present || /\.(?:partial|backup)/.test(name)) return [];
    const fork = left.get(segment.timeline);
    if (fork === undefined) {
      const message = `${name} is of a timeline that the present one (${present}) does not descend from`;
      return [{ kind: 'archive-forked', message }];
    }
    const { end } = segmentBounds(segment, segmentBytes);
    if (compareLsn(end, fork.switchLsn) <= 0) return [];
    const message = `${name} goes on to ${end}, and its timeline was left at ${fork.switchLsn}`;
    return [{ kind: 'archive-forked', message }];
  });
}
