import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Lsn } from '../../../src/ha/lsn.ts';
import { timelineId } from '../../../src/ha/units.ts';
import { recordEnd, segmentName } from '../../../src/postgres/volume/shutdown-end.ts';
import { historyFileName, PLACEHOLDER, parseHistory } from '../../../src/postgres/volume/timeline-history.ts';
import { reachedTimeline, WalDirectory } from '../../../src/postgres/volume/wal-directory.ts';

const tl = timelineId;
const lsn = (text: string): Lsn => text as Lsn;

describe('a history file', () => {
  it('lists the forks, oldest first, and a placeholder has none', () => {
    const text =
      '1\t0/3000000\tno recovery target specified\n\n# comment\n4\t0/5000060\tno recovery target specified\n';
    expect(parseHistory(text)).toEqual([
      { timeline: 1, switchLsn: '0/3000000' },
      { timeline: 4, switchLsn: '0/5000060' },
    ]);
    expect(parseHistory(PLACEHOLDER)).toEqual([]);
  });

  it('is named in hexadecimal', () => {
    expect(historyFileName(tl(26))).toBe('0000001A.history');
  });
});

describe('the file of a segment', () => {
  it('is named by timeline and number, whatever the size of segments', () => {
    expect(segmentName(tl(26), lsn('0/534AC38'), 0x1000000)).toBe('0000001A0000000000000005');
    expect(segmentName(tl(1), lsn('2/FFF00000'), 0x100000)).toBe('000000010000000200000FFF');
  });
});

describe('the end of a record', () => {
  const segment = 16 * 1024 * 1024;
  it('is aligned to eight bytes', () => {
    expect(recordEnd(lsn('0/1000028'), 114, segment)).toBe('0/10000A0');
  });

  it('counts the header of the page that it runs into', () => {
    expect(recordEnd(lsn('0/1001FC0'), 114, segment)).toBe(
      `0/10020${(0x78 - 0x40 + 24).toString(16).toUpperCase()}`,
    );
  });

  it('counts the longer header of a new segment', () => {
    expect(recordEnd(lsn('0/1FFFFC0'), 114, segment)).toBe(
      `0/20000${(0x78 - 0x40 + 40).toString(16).toUpperCase()}`,
    );
  });

  it('may fall on the end of a page', () => {
    expect(recordEnd(lsn('0/1001F88'), 114, segment)).toBe('0/1002000');
  });
});

describe('the timeline that WAL has reached', () => {
  const forksOf = new Map([
    [tl(1), []],
    [tl(2), [{ timeline: tl(1), switchLsn: lsn('0/100') }]],
    [
      tl(5),
      [
        { timeline: tl(1), switchLsn: lsn('0/100') },
        { timeline: tl(2), switchLsn: lsn('0/200') },
      ],
    ],
  ]);

  it('is the highest whose fork lies behind', () => {
    expect(reachedTimeline(tl(5), forksOf, lsn('0/250')).timeline).toBe(5);
    expect(reachedTimeline(tl(5), forksOf, lsn('0/200')).timeline).toBe(5);
    expect(reachedTimeline(tl(5), forksOf, lsn('0/1FF'))).toEqual({ timeline: 2, forks: forksOf.get(tl(2)) });
    expect(reachedTimeline(tl(5), forksOf, lsn('0/80'))).toEqual({ timeline: 1, forks: [] });
  });
});

describe('pg_wal', () => {
  let path: string;
  beforeEach(async () => {
    path = await mkdtemp(join(tmpdir(), 'pgwarden-wal-'));
  });
  afterEach(() => rm(path, { recursive: true }));

  it('tells the highest timeline that has both a segment and a history', async () => {
    const wal = new WalDirectory(path);
    expect((await wal.look()).timeline).toBe(0);
    await writeFile(join(path, '000000010000000000000001'), '');
    expect((await wal.look()).timeline).toBe(1);
    await writeFile(join(path, '00000003.history'), '1\t0/1000000\twhy\n');
    expect((await wal.look()).timeline).toBe(1);
    await writeFile(join(path, '000000030000000000000001'), '');
    expect((await wal.look()).timeline).toBe(3);
    await writeFile(join(path, '000000040000000000000001'), '');
    await writeFile(join(path, '00000004.history'), PLACEHOLDER);
    expect(await wal.look()).toMatchObject({ timeline: 3, histories: [3, 4] });
  });

  it('that is absent has nothing', async () => {
    expect((await new WalDirectory(join(path, 'none')).look()).timeline).toBe(0);
  });
});
