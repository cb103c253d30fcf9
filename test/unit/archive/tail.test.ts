import { describe, expect, test } from 'vitest';
import type { StoredPiece } from '../../../src/archive/tail/names.ts';
import { missingRanges } from '../../../src/archive/tail/plan.ts';
import { holeFreeRun } from '../../../src/archive/tail/run.ts';
import { ownerOf } from '../../../src/archive/tail/sweep.ts';
import { type Lsn, lsnAt } from '../../../src/ha/lsn.ts';
import { timelineId } from '../../../src/ha/units.ts';

const MB = 1024 ** 2;
const SEGMENT = 16 * MB;
const piece = (start: number, end: number): StoredPiece => ({
  key: `${start}-${end}`,
  timeline: timelineId(1),
  start: lsnAt(start),
  end: lsnAt(end),
});

describe('a run of pieces', () => {
  const run = (pieces: StoredPiece[], start = 100, most = 1000) => {
    const { parts, end } = holeFreeRun(pieces, start, most);
    return { end, parts: parts.map((part) => [part.piece.key, part.skip, part.length]) };
  };

  test('goes on while there is no hole', () => {
    expect(run([piece(100, 200), piece(200, 300), piece(310, 400)])).toEqual({
      end: 300,
      parts: [
        ['100-200', 0, 100],
        ['200-300', 0, 100],
      ],
    });
  });

  test('takes the largest where pieces overlap, and skips what it has', () => {
    expect(run([piece(100, 200), piece(100, 350), piece(200, 300), piece(300, 400)])).toEqual({
      end: 400,
      parts: [
        ['100-350', 0, 250],
        ['300-400', 50, 50],
      ],
    });
  });

  test('ends where it may, and is empty where nothing begins in time', () => {
    expect(run([piece(50, 2000)])).toEqual({ end: 1000, parts: [['50-2000', 50, 900]] });
    expect(run([piece(101, 200)])).toEqual({ end: 100, parts: [] });
    expect(run([])).toEqual({ end: 100, parts: [] });
  });
});

describe('what the tail lacks', () => {
  const missing = (from: number, to: number) =>
    missingRanges(lsnAt(from), lsnAt(to), SEGMENT).map(({ start, end }) => [start, end]);

  test('is what was confirmed since', () => {
    expect(missing(100, 300)).toEqual([['0/64', '0/12C']]);
    expect(missing(300, 300)).toEqual([]);
    expect(missing(300, 100)).toEqual([]);
  });

  test('is cut where a segment ends, and leaves whole segments to the archive', () => {
    expect(missing(SEGMENT - 10, SEGMENT + 10)).toEqual([
      ['0/FFFFF6', '0/1000000'],
      ['0/1000000', '0/100000A'],
    ]);
    expect(missing(SEGMENT - 10, 5 * SEGMENT + 10)).toEqual([
      ['0/FFFFF6', '0/1000000'],
      ['0/5000000', '0/500000A'],
    ]);
    expect(missing(SEGMENT - 10, SEGMENT)).toEqual([['0/FFFFF6', '0/1000000']]);
  });

  test('comes in pieces that fit into memory where segments are large', () => {
    const ranges = missingRanges(lsnAt(0), lsnAt(40 * MB), 1024 * MB);
    expect(ranges).toHaveLength(3);
    expect(ranges[2]).toEqual({ start: '0/2000000', end: '0/2800000' });
  });
});

test('a segment is taken from the newest timeline that had begun by then', () => {
  const reach = {
    timeline: timelineId(4),
    forks: [
      { timeline: timelineId(1), switchLsn: '0/5800000' as Lsn },
      { timeline: timelineId(3), switchLsn: '0/8000000' as Lsn },
    ],
    confirmed: '0/A000000' as Lsn,
  };
  expect([4, 5, 7, 8, 9].map((number) => ownerOf(number, reach, SEGMENT))).toEqual([1, 3, 3, 4, 4]);
});
