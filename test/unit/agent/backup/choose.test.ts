import { describe, expect, test } from 'vitest';
import { type BackupSource, chooseMember } from '../../../../src/agent/backup/choose.ts';
import type { View } from '../../../../src/ha/view.ts';
import {
  ago,
  cohort,
  deadPeer,
  id,
  lsn,
  name,
  peer,
  primaryPeer,
  primaryView,
  record,
  settledAs,
  standbyView,
} from '../../ha/views.ts';

const streaming = { streamingFrom: id(0) };
const chosen = (view: View, from: BackupSource = 'standby') => chooseMember(view, view.now, from);

describe('a backup is taken', () => {
  test('of the standby that has replayed most', () => {
    const peers = [
      peer(1, { ...streaming, replayLsn: lsn(4_000) }),
      peer(2, { ...streaming, replayLsn: lsn(5_000) }),
    ];
    expect(chosen(primaryView({ peers }))).toEqual({ member: name(2), role: 'standby' });
    expect(chosen(primaryView({ peers: [...peers].reverse() }))).toEqual({
      member: name(2),
      role: 'standby',
    });
  });

  test('of the member that is asked, if it is the best standby', () => {
    const view = standbyView({ peers: [primaryPeer(0), peer(2, { ...streaming, replayLsn: lsn(1) })] });
    expect(chosen(view)).toEqual({ member: view.self, role: 'standby' });
  });

  test('of the primary where no standby streams, answers, or counts', () => {
    const primary = { member: name(0), role: 'primary' };
    expect(chosen(primaryView({ peers: [] }))).toEqual(primary);
    expect(chosen(primaryView({ peers: [peer(1), deadPeer(2)] }))).toEqual(primary);
    expect(chosen(primaryView({ peers: [peer(1, streaming, { answeredAt: ago(10_000) })] }))).toEqual(
      primary,
    );
    const outside = record({ settled: settledAs({ cohort: cohort(1, 2).members }) });
    expect(chosen(primaryView({ record: outside, peers: [peer(1, streaming)] }))).toEqual(primary);
    expect(chosen(primaryView({ peers: [peer(1, { ...streaming, ending: true })] }))).toEqual(primary);
    expect(
      chosen(primaryView({ record: record({ fenced: [name(1)] }), peers: [peer(1, streaming)] })),
    ).toEqual(primary);
  });

  test('of any that streams in asynchronous mode', () => {
    const asynchronous = record({ settled: settledAs({ cohort: [], acks: 0 }) });
    const view = primaryView({ record: asynchronous, peers: [peer(1, streaming)] });
    expect(chosen(view)).toEqual({ member: name(1), role: 'standby' });
  });

  test('of whom is named, if that one is fit', () => {
    const view = primaryView({ peers: [peer(1, streaming), peer(2)] });
    expect(chosen(view, 'primary')).toEqual({ member: name(0), role: 'primary' });
    expect(chosen(view, name(0))).toEqual({ member: name(0), role: 'primary' });
    expect(chosen(view, name(1))).toEqual({ member: name(1), role: 'standby' });
    expect(chosen(view, name(2))).toMatchObject({ member: null, why: expect.stringContaining('pg-2') });
  });

  test('of nobody while there is no settled primary', () => {
    expect(chosen(primaryView({ record: null }))).toMatchObject({ member: null });
    const unsettled = record({ settled: settledAs({ epoch: 2 as never, primary: id(1) }) });
    expect(chosen(primaryView({ record: unsettled }))).toMatchObject({ member: null });
  });
});
