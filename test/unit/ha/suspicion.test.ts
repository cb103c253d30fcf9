import { describe, expect, test } from 'vitest';
import {
  agentVouches,
  hearsPrimary,
  isShared,
  receiverHears,
  suspect,
  tellsHearing,
} from '../../../src/ha/suspicion.ts';
import { epoch, instant } from '../../../src/ha/units.ts';
import type { View } from '../../../src/ha/view.ts';
import {
  ago,
  deadPeer,
  expecting,
  id,
  orphanView,
  peer,
  primaryPeer,
  record,
  standbyView,
  streamingFrom,
  unknownPeer,
  type ViewPatch,
  wonBy,
} from './views.ts';

const silent = (patch: ViewPatch = {}) =>
  orphanView({ peers: [peer(0, {}, { last: 'silent', answeredAt: ago(5_000) }), peer(2)], ...patch });
const receiver = (heard: number, streaming = true) => ({
  ...streamingFrom(0).receiver!,
  heardAt: ago(heard),
  streaming,
});

describe('a primary is heard', () => {
  test('through replication, whatever its agent says', () => {
    const view = standbyView({ peers: [deadPeer(0), peer(2)] });
    expect(receiverHears(view)).toBe(true);
    expect(hearsPrimary(view, record())).toBe(true);
  });
  test('through its agent, whatever replication says', () => {
    const view = standbyView({ server: { receiver: receiver(5_000) } });
    expect(receiverHears(view)).toBe(false);
    expect(agentVouches(view, 'pg-0' as never)).toBe(true);
    expect(suspect(view, record()).suspected).toBe(false);
  });
  test('a moment ago, after both ended', () => {
    expect(suspect(silent({ primaryHeardAt: ago(900) }), record()).suspected).toBe(false);
    expect(suspect(silent({ primaryHeardAt: ago(1_100) }), record()).suspected).toBe(true);
  });
  test('only by whom follows it: what comes from another counts for nothing', () => {
    const view = standbyView({ server: { follows: id(2) }, peers: [deadPeer(0), peer(2)] });
    expect(hearsPrimary(view, record())).toBe(false);
  });
});

test('who streams from a winner that came down, and promised more since, hears no primary', () => {
  const view = (promise: number) =>
    standbyView({
      record: wonBy(0),
      server: { receiver: receiver(100) },
      peers: [peer(0, { state: 'standby', serving: false, promise: epoch(promise) }), peer(2)],
    });
  const won = wonBy(0);
  expect(hearsPrimary(view(won.epoch), won)).toBe(true);
  expect(hearsPrimary(view(won.epoch + 1), won)).toBe(false);
  expect(tellsHearing(view(won.epoch + 1), won, view(0).now)).toBe(false);
});

describe('what a member tells of whom it hears', () => {
  const later = (view: View, millis: number) => instant(view.now + millis);
  const looked = (heard: number) =>
    standbyView({ peers: [deadPeer(0), peer(2)], server: { receiver: receiver(heard) } });

  test('rests on its last look where the receiver alone has heard: until then it may have heard more', () => {
    const view = looked(400);
    expect(tellsHearing(view, record(), later(view, 700))).toBe(true);
    expect(tellsHearing(view, record(), later(view, 1_000))).toBe(true);
  });
  test('is nothing where that look is old', () => {
    const view = looked(400);
    expect(tellsHearing(view, record(), later(view, 1_100))).toBe(false);
  });
  test('is no more than that look has seen', () => {
    const view = looked(1_100);
    expect(tellsHearing(view, record(), later(view, 0))).toBe(false);
  });
  test('counts the answers that came since', () => {
    const view = looked(5_000);
    const now = later(view, 1_500);
    const answered = [peer(0, { serving: true, state: 'primary' }, { answeredAt: now }), peer(2)];
    expect(tellsHearing(view, record(), now, answered)).toBe(true);
  });
});

describe('a primary is suspected', () => {
  test('when it released, at once', () => {
    expect(suspect(standbyView(), record({ holder: '' }))).toMatchObject({ strength: 'released' });
  });
  test('when both its ports refuse, at once', () => {
    expect(suspect(orphanView(), record())).toMatchObject({ strength: 'refused' });
  });
  test('when neither replication nor the agent was heard for suspectAfter', () => {
    const view = silent({ server: { receiver: receiver(1_001) } });
    expect(suspect(view, record())).toMatchObject({ strength: 'silent' });
  });
  test('but not for a fault of its agent alone', () => {
    const view = standbyView({ peers: [peer(0, {}, { last: 'fault', answeredAt: null }), peer(2)] });
    expect(suspect(view, record()).suspected).toBe(false);
  });
  test('by itself, when it is not running: nobody else has to agree', () => {
    const view = orphanView({ record: wonBy(1), peers: [peer(2, { hearsPrimary: true })] });
    const suspicion = suspect(view, wonBy(1));
    expect(suspicion).toMatchObject({ suspected: true, strength: 'released' });
    expect(isShared(view, wonBy(1), suspicion)).toBe(true);
  });
});

describe('the winner of an epoch', () => {
  test('has suspectAfter before anybody suspects it', () => {
    const view = silent({
      record: wonBy(2),
      peers: [peer(2, {}, { answeredAt: null })],
      seen: { epochSeenAt: ago(900) },
    });
    expect(suspect(view, wonBy(2)).suspected).toBe(false);
  });
  test('has longer while its agent answers', () => {
    const view = silent({ record: wonBy(2), seen: { epochSeenAt: ago(5_000) } });
    expect(suspect(view, wonBy(2)).suspected).toBe(false);
  });
  test('but not for ever', () => {
    const view = silent({ record: wonBy(2), seen: { epochSeenAt: ago(31_000) } });
    expect(suspect(view, wonBy(2)).suspected).toBe(true);
  });
  test('and not when its Postgres went away', () => {
    const view = silent({
      record: wonBy(2),
      peers: [deadPeer(0), peer(2, { state: 'stopped' })],
      seen: { epochSeenAt: ago(1_100) },
    });
    expect(suspect(view, wonBy(2)).suspected).toBe(true);
  });
});

describe('a suspicion is shared', () => {
  const shared = (patch: ViewPatch, of = record()) => {
    const view = silent(patch);
    return isShared(view, of, suspect(view, of));
  };
  const gone = peer(0, {}, { last: 'silent', answeredAt: ago(5_000) });

  test('by a majority of the members', () => {
    expect(shared({ peers: [gone, peer(2)] })).toBe(true);
    expect(shared({ peers: [gone, peer(2, { hearsPrimary: true })] })).toBe(false);
  });
  test('never by the suspected one: it hears no primary either', () => {
    // Of three, one other hears the winner of epoch 4; the winner's agent answers, but its Postgres is down.
    const peers = [peer(0, { hearsPrimary: true }), peer(2, { state: 'stopped' })];
    expect(shared({ record: wonBy(2), peers }, wonBy(2))).toBe(false);
  });
  test('not by answers that are old', () => {
    expect(shared({ peers: [gone, peer(2, {}, { answeredAt: ago(3_000) })] })).toBe(false);
  });
  test('where nobody else answers, only once the Lease is overdue', () => {
    const peers = [gone, unknownPeer(2)];
    expect(shared({ peers, seen: { changedAt: ago(5_000) } })).toBe(false);
    expect(shared({ peers, seen: { changedAt: ago(6_000) } })).toBe(true);
  });
  test('of two members, by refused connections or an overdue Lease', () => {
    const settings = expecting(2);
    expect(shared({ settings, peers: [gone] })).toBe(false);
    expect(shared({ settings, peers: [gone], seen: { changedAt: ago(6_000) } })).toBe(true);
    expect(shared({ settings, peers: [deadPeer(0)] })).toBe(true);
  });
  test('of four members of which two are lost, once the Lease is overdue: their promises may suffice', () => {
    const patch = { settings: expecting(4), peers: [gone, peer(2), unknownPeer(3)] };
    expect(shared(patch)).toBe(false);
    expect(shared({ ...patch, seen: { changedAt: ago(6_000) } })).toBe(true);
  });
  test('at once when the Lease is released', () => {
    expect(shared({ peers: [primaryPeer(0), peer(2, { hearsPrimary: true })] }, record({ holder: '' }))).toBe(
      true,
    );
  });
});
