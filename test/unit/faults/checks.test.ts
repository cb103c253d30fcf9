import { describe, expect, test } from 'vitest';
import type { Lsn } from '../../../src/ha/lsn.ts';
import { timelineId } from '../../../src/ha/units.ts';
import { checkForks, checkUntouched } from '../../faults/checker/archive.ts';
import { tellsOfCancelledWait } from '../../faults/checker/cancelled-wait.ts';
import { checkHistories } from '../../faults/checker/histories.ts';
import type { Beat, Outcome, PlainRead, RowAttempt } from '../../faults/checker/history.ts';
import { checkRows } from '../../faults/checker/rows.ts';
import { checkStaleness, measureStaleness } from '../../faults/checker/staleness.ts';

const row = (id: number, outcome: Outcome = 'acknowledged'): RowAttempt => ({
  id,
  outcome,
  invoked: id,
  returned: id + 1,
  by: outcome === 'acknowledged' ? { member: 'pg-0', timeline: 1 } : null,
});
const kinds = (found: readonly { kind: string }[]): string[] => found.map(({ kind }) => kind);

describe('the checks of the archive', () => {
  test('find an object that was written over, or is gone', () => {
    const before = new Map([
      ['a', '1'],
      ['b', '2'],
    ]);
    expect(checkUntouched(before, new Map([...before, ['c', '3']]))).toEqual([]);
    expect(kinds(checkUntouched(before, new Map([['a', '1']])))).toEqual(['archive-changed']);
    expect(kinds(checkUntouched(before, new Map([...before, ['b', '9']])))).toEqual(['archive-changed']);
  });

  test('find what goes on past where its timeline was left, and what belongs to no ancestor', () => {
    const forks = [{ timeline: timelineId(1), switchLsn: '0/3000028' as Lsn }];
    const found = (...names: string[]) => kinds(checkForks(names, 3, forks, 2 ** 24));
    expect(found('000000010000000000000002.zst', '000000030000000000000004', '00000003.history')).toEqual([]);
    expect(found('000000010000000000000003.zst')).toEqual(['archive-forked']);
    expect(found('000000010000000000000003.partial.zst')).toEqual([]);
    expect(found('000000020000000000000002')).toEqual(['archive-forked']);
  });
});

describe('the check of rows', () => {
  test('accepts what was acknowledged, with or without what is unknown', () => {
    const attempts = [row(1), row(2), row(3, 'unknown'), row(4, 'refused')];
    expect(checkRows(attempts, [1, 2], 'pg-0')).toEqual([]);
    expect(checkRows(attempts, [1, 2, 3], 'pg-0')).toEqual([]);
  });

  test('finds a lost row, one that is there twice, one that was refused, and one that nobody sent', () => {
    const attempts = [row(1), row(2), row(3, 'unknown'), row(4, 'refused')];
    expect(kinds(checkRows(attempts, [1], 'pg-0'))).toEqual(['row-lost']);
    expect(kinds(checkRows(attempts, [1, 2, 2], 'pg-0'))).toEqual(['row-twice']);
    expect(kinds(checkRows(attempts, [1, 2, 3, 3], 'pg-0'))).toEqual(['row-twice']);
    expect(kinds(checkRows(attempts, [1, 2, 4], 'pg-0'))).toEqual(['row-refused-but-there']);
    expect(kinds(checkRows(attempts, [1, 2, 9], 'pg-0'))).toEqual(['row-never-sent']);
  });
});

describe('the warning that a commit did not wait to its end', () => {
  test('is told from others, by its message or by its detail', () => {
    const detail =
      'The transaction has already committed locally, but might not have been replicated to the standby.';
    const cancelled = 'canceling wait for synchronous replication due to user request';
    const ended =
      'canceling the wait for synchronous replication and terminating connection due to administrator command';
    expect(tellsOfCancelledWait({ message: cancelled, detail })).toBe(true);
    expect(tellsOfCancelledWait({ message: ended })).toBe(true);
    // Another language.
    expect(tellsOfCancelledWait({ message: 'storniere Warten', detail })).toBe(true);
    expect(tellsOfCancelledWait({ message: 'there is already a transaction in progress' })).toBe(false);
    expect(tellsOfCancelledWait({})).toBe(false);
  });
});

describe('the check of histories', () => {
  const by = (
    id: number,
    member: string,
    timeline: number,
    invoked: number,
    returned: number,
  ): RowAttempt => ({
    id,
    outcome: 'acknowledged',
    invoked,
    returned,
    by: { member, timeline },
  });

  test('accepts a change of primary, and an answer that was on its way meanwhile', () => {
    expect(
      checkHistories([by(1, 'pg-0', 1, 0, 5), by(2, 'pg-0', 1, 9, 30), by(3, 'pg-1', 2, 10, 20)]),
    ).toEqual([]);
  });

  test('finds what an old primary acknowledged though it was sent after the new one had acknowledged', () => {
    const found = checkHistories([
      by(1, 'pg-0', 1, 0, 5),
      by(3, 'pg-1', 2, 10, 20),
      by(2, 'pg-0', 1, 21, 30),
    ]);
    expect(kinds(found)).toEqual(['two-acknowledged']);
    expect(found[0]?.message).toContain('row 2 was sent 1 ms after timeline 2 (pg-1)');
  });

  test('finds two members that acknowledge on one timeline', () => {
    expect(kinds(checkHistories([by(1, 'pg-0', 4, 0, 5), by(2, 'pg-1', 4, 3, 6)]))).toEqual([
      'two-acknowledged',
    ]);
  });
});

describe('the age of plain reads', () => {
  const beat = (count: number, returned: number, outcome: Outcome = 'acknowledged', source = 'a'): Beat => ({
    source,
    count,
    outcome,
    invoked: returned - 1,
    returned,
  });
  const readAt = (invoked: number, a: number, more: Record<string, number> = {}): PlainRead => ({
    member: 'pg-0',
    invoked,
    returned: invoked + 1,
    counts: { a, ...more },
  });
  const beats = [beat(1, 10), beat(2, 20), beat(3, 30, 'unknown'), beat(4, 40)];

  test('is nothing where each saw what had been acknowledged', () => {
    expect(measureStaleness(beats, [readAt(15, 1), readAt(25, 2), readAt(39, 2), readAt(45, 4)]).millis).toBe(
      0,
    );
  });

  test('is the time since the first acknowledgement that a read did not see', () => {
    expect(measureStaleness(beats, [readAt(45, 4), readAt(120, 1)])).toMatchObject({
      millis: 100,
      read: { counts: { a: 1 } },
    });
    // The third may not have happened.
    expect(measureStaleness(beats, [readAt(35, 2)]).millis).toBe(0);
  });

  test('counts for each source by itself, also one of which a read saw nothing at all', () => {
    const two = [...beats, beat(9, 50, 'acknowledged', 'b')];
    expect(measureStaleness(two, [readAt(70, 4, { b: 9 })]).millis).toBe(0);
    expect(measureStaleness(two, [readAt(70, 4)]).millis).toBe(20);
  });

  test('is wrong above the bound, where there is one', () => {
    const measured = measureStaleness(beats, [readAt(120, 1)]);
    expect(kinds(checkStaleness(measured, 99))).toEqual(['stale-read']);
    expect(checkStaleness(measured, 100)).toEqual([]);
    expect(checkStaleness(measured, null)).toEqual([]);
  });
});
