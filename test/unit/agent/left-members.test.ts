import { expect, test } from 'vitest';
import { leftMembers } from '../../../src/agent/left-members.ts';
import type { View } from '../../../src/ha/view.ts';
import {
  ago,
  expecting,
  ids,
  memberRecord,
  name,
  peer,
  primaryView,
  record,
  settledAs,
  wonBy,
} from '../ha/views.ts';

/** pg-2 is not expected any more, and was last heard so many milliseconds ago. */
const view = (heard: number, patch: Parameters<typeof primaryView>[0] = {}): View =>
  primaryView({
    settings: expecting(2),
    members: [0, 1, 2].map((index) => memberRecord(index)),
    peers: [peer(1), peer(2, {}, { answeredAt: ago(heard), last: heard > 1_000 ? 'silent' : 'answered' })],
    record: record({ settled: settledAs({ cohort: ids(1) }) }),
    hold: { leadingSince: ago(100_000) },
    ...patch,
  });

test('a member that was scaled away is forgotten once it is silent for a while', () => {
  expect(leftMembers(view(60_000))).toEqual(['pg-2']);
  expect(leftMembers(view(20_000))).toEqual([]);
  expect(leftMembers(view(100))).toEqual([]);
});

test('a member is gone where another one answers at its address', () => {
  const reused = [peer(1), peer(2, { member: name(1) })];
  expect(leftMembers(view(100, { peers: reused }))).toEqual(['pg-2']);
});

test('nobody is forgotten who is expected, or whom a takeover must recruit', () => {
  expect(leftMembers(view(60_000, { settings: expecting(3) }))).toEqual([]);
  expect(leftMembers(view(60_000, { record: record() }))).toEqual([]);
});

test('a primary forgets nobody before it is settled and has led for a while', () => {
  expect(leftMembers(view(60_000, { hold: { leadingSince: ago(5_000) } }))).toEqual([]);
  expect(leftMembers(view(60_000, { record: wonBy(0, { settled: settledAs({ cohort: ids(1) }) }) }))).toEqual(
    [],
  );
});
