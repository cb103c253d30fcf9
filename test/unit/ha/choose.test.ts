import { describe, expect, test } from 'vitest';
import { choose, grantedOf } from '../../../src/ha/choose.ts';
import { epoch, timelineId } from '../../../src/ha/units.ts';
import { cohort, granted, id, ids, name, record, recruitment, refused, settledAs } from './views.ts';

const base = (settled: Parameters<typeof settledAs>[0]) => ({
  base: { record: record({ settled: settledAs(settled) }), resourceVersion: '7' },
});
const by1 = (answers: Parameters<typeof recruitment>[0], patch = {}) =>
  choose(recruitment(answers, patch), name(1));

describe('n - k + 1 promises of the settled cohort', () => {
  test('let the best lead', () => {
    expect(by1([granted(1), granted(2)])).toMatchObject({ kind: 'lead' });
  });
  test('are needed in full', () => {
    expect(by1([granted(1)])).toMatchObject({ kind: 'open', have: 1, need: 2 });
    expect(by1([granted(1), refused(2)], { complete: true })).toMatchObject({ kind: 'failed' });
  });
  test('count only members of that cohort, each once', () => {
    expect(by1([granted(1), granted(3), granted(4)])).toMatchObject({ kind: 'open', have: 1 });
    expect(by1([granted(1), granted(1)])).toMatchObject({ kind: 'open', have: 1 });
    expect(by1([granted(1), granted(2, undefined, { identity: id(2, 2) })])).toMatchObject({
      kind: 'open',
      have: 1,
    });
  });
  test('count only for the epoch that was asked for', () => {
    expect(by1([granted(1), granted(2, undefined, { epoch: epoch(5) })])).toMatchObject({ kind: 'open' });
  });
  test('are one where every member of the cohort acknowledges', () => {
    expect(by1([granted(1)], base({ acks: 2 }))).toMatchObject({ kind: 'lead' });
  });
  test('are never enough in asynchronous mode', () => {
    expect(by1([granted(1), granted(2)], base({ acks: 0 }))).toMatchObject({ kind: 'open' });
  });
  test('count dead incarnations as missing', () => {
    const dead = base({ cohort: [id(1), id(2), id(2, 2)] });
    expect(by1([granted(1), granted(2)], dead)).toMatchObject({ kind: 'open', have: 2, need: 3 });
  });
});

test('no choice ever leads with a set that misses k acknowledgers', () => {
  // Every cohort of up to four of five members, every k, every set of promises: each k-set of the cohort must be met.
  const all = [1, 2, 3, 4];
  for (let mask = 0; mask < 16; mask += 1) {
    const members = all.filter((_, bit) => mask & (1 << bit));
    for (let acks = 1; acks <= members.length; acks += 1) {
      for (let given = 0; given < 16; given += 1) {
        const promised = all.filter((_, bit) => given & (1 << bit));
        const chosen = choose(
          recruitment(
            promised.map((index) => granted(index)),
            base({ cohort: ids(...members), acks, primary: id(9) }),
          ),
          name(promised[0] ?? 1),
        );
        if (chosen.kind !== 'lead') continue;
        const missing = members.filter((index) => !promised.includes(index));
        expect(missing.length, JSON.stringify({ members, acks, promised })).toBeLessThan(acks);
      }
    }
  }
});

describe('the last settled primary', () => {
  test('stands for its whole cohort', () => {
    const less = granted(0, { epoch: 3, at: 4_000 });
    expect(by1([granted(1), less])).toMatchObject({ kind: 'lead', proof: 'the last primary promised' });
  });
  test('does not as another incarnation', () => {
    expect(by1([granted(1), granted(0, undefined, { identity: id(0, 2) })])).toMatchObject({ kind: 'open' });
  });
  test('is led by, where it holds more', () => {
    expect(by1([granted(1), granted(0, { epoch: 3, at: 6_000 })])).toEqual({ kind: 'yield', to: name(0) });
  });
});

describe('the best position', () => {
  test('is of the highest epoch, not of the longest WAL', () => {
    const answers = [granted(1, { epoch: 3, at: 9_000 }), granted(2, { epoch: 4, at: 10 })];
    expect(by1(answers)).toEqual({ kind: 'yield', to: name(2) });
    expect(choose(recruitment(answers), name(2))).toMatchObject({ kind: 'lead' });
  });
  test('at a tie, is of the higher priority', () => {
    expect(by1([granted(1), granted(2)])).toMatchObject({ kind: 'lead' });
    expect(by1([granted(1), granted(2, undefined, { priority: 1 })])).toMatchObject({ kind: 'yield' });
  });
  test('at a tie of equal priority, is of who led longest ago: what has just failed may fail again', () => {
    const line = { at: '', cause: '', switchLsn: null };
    const history = [2, 0, 1].map((index, at) => ({
      ...line,
      epoch: epoch(at + 1),
      timeline: timelineId(at + 1),
      primary: id(index),
    }));
    const patch = { base: { record: record({ history }), resourceVersion: '7' } };
    expect(by1([granted(1), granted(2)], patch)).toEqual({ kind: 'yield', to: name(2) });
    expect(by1([granted(1), granted(2), granted(3)], patch)).toEqual({ kind: 'yield', to: name(3) });
    expect(by1([granted(1, undefined, { priority: 1 }), granted(2)], patch).kind).toBe('lead');
  });
  test('at a tie of members that never led, is of the last name', () => {
    const patch = { base: { record: record({ history: [] }), resourceVersion: '7' } };
    expect(by1([granted(1), granted(2)], patch)).toEqual({ kind: 'yield', to: name(2) });
    expect(choose(recruitment([granted(1), granted(2)], patch), name(2)).kind).toBe('lead');
  });
  test('that may not lead is streamed from first', () => {
    const ahead = granted(2, { epoch: 3, at: 6_000 }, { mayLead: false });
    expect(by1([granted(1), ahead])).toMatchObject({ kind: 'catch-up', from: id(2) });
  });
  test('that may not lead, and holds no more, is passed over', () => {
    const even = granted(2, undefined, { mayLead: false, priority: 9 });
    expect(by1([granted(1), even])).toMatchObject({ kind: 'lead' });
  });
  test('of those that may lead decides, where the best of all may not and holds no more', () => {
    const even = granted(2, undefined, { mayLead: false, priority: 9 });
    expect(by1([granted(1), even, granted(0, undefined, { priority: 1 })])).toEqual({
      kind: 'yield',
      to: name(0),
    });
  });
});

test('without its own promise nobody leads', () => {
  expect(by1([granted(0), granted(2)])).toMatchObject({ kind: 'open' });
});

test('after catching up, the last answer of a member counts', () => {
  const answers = [granted(1), granted(2, { epoch: 3, at: 6_000 }), granted(1, { epoch: 3, at: 6_000 })];
  expect(grantedOf(recruitment(answers))).toHaveLength(2);
  expect(by1(answers)).toMatchObject({ kind: 'lead' });
});

test('a rebuilt record needs the promise of every known member', () => {
  const rebuilt = base({
    primary: null,
    epoch: epoch(0),
    timeline: timelineId(0),
    ...{ cohort: cohort(1, 0, 1, 2).members },
  });
  expect(by1([granted(1), granted(2)], rebuilt)).toMatchObject({ kind: 'open', need: 3 });
  expect(by1([granted(1), granted(2), granted(0)], rebuilt)).toMatchObject({ kind: 'lead' });
});
