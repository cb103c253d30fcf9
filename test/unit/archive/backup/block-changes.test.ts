import { describe, expect, it, test } from 'vitest';
import {
  BlockChanges,
  type ChangedFile,
  coveredTo,
  type WalSummary,
} from '../../../../src/archive/backup/block-changes.ts';
import { relationFileOf } from '../../../../src/archive/backup/exclusions.ts';
import type { Lsn } from '../../../../src/ha/lsn.ts';
import { timelineId } from '../../../../src/ha/units.ts';

const SEGMENT = 100;
const lsn = (text: string) => text as Lsn;

function changed(more: Partial<ChangedFile> = {}): ChangedFile {
  return {
    tablespace: 1663,
    database: 5,
    relation: 16384,
    segment: 0,
    blocks: [],
    limit: null,
    ...more,
  };
}

function of(path: string, ...files: ChangedFile[]) {
  const all = new BlockChanges(SEGMENT);
  for (const file of files) all.add(file);
  const found = all.of(path);
  return found === null || found === 'whole' ? found : { blocks: [...found.blocks], limit: found.limit };
}

describe('the changes of a file', () => {
  it('are those of all timelines on the way', () => {
    const parts = [changed({ blocks: [9, 20] }), changed({ blocks: [3, 20] })];
    expect(of('base/5/16384', ...parts)).toEqual({ blocks: [3, 9, 20], limit: null });
  });
  it('are counted from its own first block, and its limit as well', () => {
    const later = changed({ segment: 2, blocks: [203, 207] });
    expect(of('base/5/16384.2', later, changed({ limit: 205 }), changed({ limit: 250 }))).toEqual({
      blocks: [3, 7],
      limit: 5,
    });
    expect(of('base/5/16384.3', later, changed({ limit: 205 }))).toEqual({ blocks: [], limit: -95 });
  });
  it('are of its database and its tablespace alone', () => {
    expect(of('base/6/16384', changed({ blocks: [1] }))).toBeNull();
    expect(
      of('global/1260', changed({ tablespace: 1664, database: 0, relation: 1260, blocks: [1] })),
    ).toEqual({
      blocks: [1],
      limit: null,
    });
    expect(of('pg_tblspc/16400/PG_18_2/5/16384', changed({ tablespace: 16400, blocks: [4] }))).toEqual({
      blocks: [4],
      limit: null,
    });
  });
  it.each([
    'base/5/16384_fsm',
    'base/5/16384_vm',
    'base/5/16384_init',
    'pg_xact/0000',
    'base/5/pg_filenode.map',
    'PG_VERSION',
  ])('of %s are not known: all of it is stored', (path) => expect(of(path, changed())).toBe('whole'));
  it('of a database that was made meanwhile are everything', () => {
    expect(of('base/5/16384', changed({ relation: 0, limit: 0 }))).toBe('whole');
    expect(of('base/6/16384', changed({ relation: 0, limit: 0 }))).toBeNull();
  });
});

test('a file of a relation is known by its path', () => {
  expect(relationFileOf('pg_tblspc/16400/PG_18_2/5/16384_vm.3')).toEqual({
    tablespace: 16400,
    database: 5,
    relation: 16384,
    fork: 'vm',
    segment: 3,
  });
  expect(relationFileOf('base/5/t3_16384')).toBeNull();
});

describe('how far summaries cover a range of WAL', () => {
  const range = { timeline: timelineId(2), start: lsn('0/2000000'), end: lsn('0/5000000') };
  const summary = (start: string, end: string, timeline = 2): WalSummary => ({
    timeline,
    start: lsn(start),
    end: lsn(end),
  });
  it('is its end where each begins by the end of the one before', () => {
    const all = [summary('0/4000000', '0/6000000'), summary('0/1000000', '0/4000000')];
    expect(coveredTo(all, range)).toBe('0/5000000');
  });
  it('is where the first gap begins', () => {
    expect(coveredTo([], range)).toBe('0/2000000');
    expect(coveredTo([summary('0/3000000', '0/6000000')], range)).toBe('0/2000000');
    const gap = [summary('0/1000000', '0/3000000'), summary('0/3000028', '0/6000000')];
    expect(coveredTo(gap, range)).toBe('0/3000000');
  });
  it('is not lengthened by another timeline', () => {
    expect(coveredTo([summary('0/1000000', '0/6000000', 1)], range)).toBe('0/2000000');
  });
});
