import { describe, expect, test } from 'vitest';
import { isBelowFloor, remember, standingIn, standingOf, superiorTo } from '../../../src/ha/floor.ts';
import { epoch } from '../../../src/ha/units.ts';
import {
  emptyView,
  id,
  local,
  peer,
  primaryView,
  record,
  settledAs,
  standbyView,
  UID,
  wonBy,
} from './views.ts';

const floor = { epoch: epoch(3), primary: id(0), revision: 7 };

describe('a record is below the floor', () => {
  test('with a lower epoch', () => {
    expect(isBelowFloor(record({ epoch: epoch(2) }), floor)).toBe(true);
  });
  test('with the same epoch and another primary', () => {
    expect(isBelowFloor(record({ primary: id(1) }), floor)).toBe(true);
  });
  test('with the same epoch and another incarnation of the primary', () => {
    expect(isBelowFloor(record({ primary: id(0, 2) }), floor)).toBe(true);
  });
  test('with an older revision of the same epoch', () => {
    expect(isBelowFloor(record({ revision: 6 }), floor)).toBe(true);
    expect(isBelowFloor(record({ revision: 8 }), floor)).toBe(false);
    expect(isBelowFloor(record({ epoch: epoch(4), primary: id(1), revision: 0 }), floor)).toBe(false);
  });
  test('but not with the same epoch and primary, with a higher epoch, or without a floor', () => {
    expect(isBelowFloor(record(), floor)).toBe(false);
    expect(isBelowFloor(record({ epoch: epoch(4), primary: id(1) }), floor)).toBe(false);
    expect(isBelowFloor(record({ epoch: epoch(1) }), null)).toBe(false);
  });
});

describe('the standing of a record', () => {
  test('is foreign with another system identifier or another cluster', () => {
    expect(standingOf(record({ systemIdentifier: '8' }), local(1), null).kind).toBe('foreign');
    expect(standingOf(record({ clusterUID: 'other' }), local(1), null).kind).toBe('foreign');
  });
  test('is that it went backwards, where it is below the floor', () => {
    expect(standingOf(record({ epoch: epoch(2) }), local(1), null).kind).toBe('backwards');
  });
  test('is that it went backwards, where a newer one was seen, followed or not', () => {
    const saw = (level: number, revision: number, clusterUID = UID) =>
      standingOf(record(), local(1), { clusterUID, epoch: epoch(level), revision }).kind;
    expect(saw(4, 0)).toBe('backwards');
    expect(saw(3, 8)).toBe('backwards');
    expect(saw(3, 7)).toBe('valid');
    expect(saw(2, 9)).toBe('valid');
    expect(saw(4, 9, 'deleted')).toBe('valid');
  });
  test('counts what peers saw, and a direct read did not find', () => {
    const told = { clusterUID: UID, epoch: epoch(4), revision: 0 };
    expect(standingIn(standbyView({ seen: { told } }), record()).kind).toBe('backwards');
  });
  test('does not, for the last settled primary that goes above such an epoch; but a newer revision of its own counts', () => {
    const told = (level: number, revision: number) =>
      primaryView({ seen: { told: { clusterUID: UID, epoch: epoch(level), revision } } });
    expect(standingIn(told(4, 0), record()).kind).toBe('valid');
    expect(standingIn(told(3, 8), record()).kind).toBe('backwards');
    // One that is not settled is not held by the cohort that others recruit.
    expect(standingIn(told(5, 0), wonBy(0, { settled: settledAs({ primary: id(1) }) })).kind).toBe(
      'backwards',
    );
  });
  test('is valid for whom has no data, whatever it says', () => {
    expect(standingOf(record({ clusterUID: 'other', epoch: epoch(1) }), emptyView(1).local, null).kind).toBe(
      'valid',
    );
  });
});

describe('a superior', () => {
  const with5 = (primary = id(2)) => [peer(2, { floor: { epoch: epoch(5), primary, revision: 7 } })];
  test('is a member that followed a higher epoch', () => {
    expect(superiorTo(standbyView({ peers: with5() }), epoch(3))?.member).toBe('pg-2');
    expect(superiorTo(standbyView({ peers: with5() }), epoch(5))).toBeNull();
  });
  test('is nobody of another cluster', () => {
    const peers = [peer(2, { clusterUID: 'other', floor: { epoch: epoch(5), primary: id(2), revision: 7 } })];
    expect(superiorTo(standbyView({ peers }), epoch(3))).toBeNull();
  });
  test('is nobody who followed this very member: it swapped, and has not seen it yet', () => {
    expect(superiorTo(standbyView({ peers: with5(id(1)) }), epoch(3))).toBeNull();
  });
});

describe('a floor', () => {
  const at = (revision: number) => standbyView({ local: { floor: { ...floor, revision } } });
  test('remembers the newest revision of the epoch that is followed', () => {
    expect(remember(at(6), record())).toMatchObject({ kind: 'raise-floor', floor });
    expect(remember(at(7), record())).toBeNull();
  });
  test('is not raised by an epoch that is not followed yet', () => {
    expect(remember(at(6), wonBy(2, { revision: 9 }))).toBeNull();
    expect(remember(standbyView({ local: { floor: null } }), record())).toBeNull();
  });
});
