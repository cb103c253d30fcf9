import { describe, expect, test } from 'vitest';
import { chooseTarget, endingStands, targetHasAll } from '../../../src/ha/handover.ts';
import { timelineId } from '../../../src/ha/units.ts';
import {
  ago,
  END,
  id,
  lsn,
  memberRecord,
  peer,
  primaryView,
  record,
  stoppedView,
  type ViewPatch,
  walsender,
} from './views.ts';

const target = (patch: ViewPatch = {}, wanted: string | null = null, of = record()) =>
  chooseTarget(primaryView({ record: of, ...patch }), of, wanted as never);
const tagged = (tags: object) => ({ tags: { nofailover: false, nosync: false, priority: 0, ...tags } });

describe('the target of a planned end', () => {
  test('is the furthest of the highest priority', () => {
    expect(target()).toEqual({ kind: 'target', target: id(1) });
    const further = [walsender(1), walsender(2, { flushLsn: lsn(END + 1) })];
    expect(target({ server: { walsenders: further } })).toEqual({ kind: 'target', target: id(2) });
    const members = [memberRecord(1), memberRecord(2, tagged({ priority: 5 }))];
    expect(target({ members })).toEqual({ kind: 'target', target: id(2) });
  });
  test('is whom a person names, and nobody else', () => {
    expect(target({}, 'pg-2')).toEqual({ kind: 'target', target: id(2) });
    expect(target({}, 'pg-9')).toEqual({ kind: 'none', reason: 'pg-9 is not a member' });
  });
  test('is not one that does not stream, may not lead, is fenced, is itself ending, or does not answer', () => {
    expect(target({ server: { walsenders: [walsender(2)] } })).toEqual({ kind: 'target', target: id(2) });
    expect(target({ members: [memberRecord(1, tagged({ nofailover: true }))] })).toMatchObject({
      kind: 'none',
    });
    expect(target({}, 'pg-1', record({ fenced: ['pg-1'] }))).toMatchObject({ kind: 'none' });
    expect(target({ peers: [peer(1, { ending: true }), peer(2)] })).toEqual({
      kind: 'target',
      target: id(2),
    });
    const silent = peer(1, {}, { answeredAt: ago(3_000) });
    expect(target({ peers: [silent, peer(2)] })).toEqual({ kind: 'target', target: id(2) });
  });
  test('is found although a walsender of its former life is still listed', () => {
    const walsenders = [walsender(1, { identity: id(1, 2), streaming: false }), walsender(1)];
    expect(target({ server: { walsenders } }, 'pg-1')).toEqual({ kind: 'target', target: id(1) });
  });
  test('says why there is none', () => {
    expect(target({ server: { walsenders: [] } })).toEqual({
      kind: 'none',
      reason: 'pg-1 does not stream, pg-2 does not stream',
    });
    expect(target({ members: [] })).toEqual({ kind: 'none', reason: 'there is no standby' });
  });
});

describe('the target has all', () => {
  const has = (state: Parameters<typeof peer>[1], of = id(1)) =>
    targetHasAll(stoppedView(0, { peers: [peer(1, state)] }), record(), of, lsn(END));
  const at = (position: number, timeline = 3) => ({
    position: { epoch: record().epoch, lsn: lsn(position) },
    timeline: timelineId(timeline),
  });
  test('once it has flushed the shutdown checkpoint', () => {
    expect(has(at(END))).toBe(true);
    expect(has(at(END - 1))).toBe(false);
    expect(has({ position: null })).toBe(false);
  });
  test('on the same timeline, as the same incarnation', () => {
    expect(has(at(END, 2))).toBe(false);
    expect(has(at(END), id(1, 2))).toBe(false);
  });
});

test('a planned end keeps others away for the rest of the Lease, or for two take-backs after its release', () => {
  expect(endingStands(record())).toBe(10_000);
  expect(endingStands(record({ holder: '' }))).toBe(6_000);
});
