import { describe, expect, test } from 'vitest';
import { isBelowFloor, standingOf, superiorTo } from '../../../src/ha/floor.ts';
import { epoch } from '../../../src/ha/units.ts';
import { emptyView, id, local, peer, record, standbyView } from './views.ts';

const floor = { epoch: epoch(3), primary: id(0) };

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
  test('but not with the same epoch and primary, with a higher epoch, or without a floor', () => {
    expect(isBelowFloor(record(), floor)).toBe(false);
    expect(isBelowFloor(record({ epoch: epoch(4), primary: id(1) }), floor)).toBe(false);
    expect(isBelowFloor(record({ epoch: epoch(1) }), null)).toBe(false);
  });
});

describe('the standing of a record', () => {
  test('is foreign with another system identifier or another cluster', () => {
    expect(standingOf(record({ systemIdentifier: '8' }), local(1)).kind).toBe('foreign');
    expect(standingOf(record({ clusterUID: 'other' }), local(1)).kind).toBe('foreign');
  });
  test('is below the floor where it went backwards', () => {
    expect(standingOf(record({ epoch: epoch(2) }), local(1)).kind).toBe('below-floor');
  });
  test('is valid for whom has no data, whatever it says', () => {
    expect(standingOf(record({ clusterUID: 'other', epoch: epoch(1) }), emptyView(1).local).kind).toBe(
      'valid',
    );
  });
});

describe('a superior', () => {
  const with5 = (primary = id(2)) => [peer(2, { floor: { epoch: epoch(5), primary } })];
  test('is a member that followed a higher epoch', () => {
    expect(superiorTo(standbyView({ peers: with5() }), epoch(3))?.member).toBe('pg-2');
    expect(superiorTo(standbyView({ peers: with5() }), epoch(5))).toBeNull();
  });
  test('is nobody of another cluster', () => {
    const peers = [peer(2, { clusterUID: 'other', floor: { epoch: epoch(5), primary: id(2) } })];
    expect(superiorTo(standbyView({ peers }), epoch(3))).toBeNull();
  });
  test('is nobody who followed this very member: it swapped, and has not seen it yet', () => {
    expect(superiorTo(standbyView({ peers: with5(id(1)) }), epoch(3))).toBeNull();
  });
});
