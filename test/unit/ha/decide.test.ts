import { describe, expect, test } from 'vitest';
import { decide } from '../../../src/ha/decide.ts';
import type { InstanceState } from '../../../src/ha/peer.ts';
import { epoch, millis } from '../../../src/ha/units.ts';
import {
  ago,
  checkpointed,
  emptyView,
  orphanView,
  peer,
  primaryView,
  record,
  settledAs,
  standbyView,
  stoppedView,
  task,
  type ViewPatch,
} from './views.ts';

const shutdown = { shutdown: true, shutdownSince: ago(100) };

describe('one work at a time', () => {
  test('nothing else is decided while a directory or a process changes', () => {
    for (const kind of ['initialize', 'clone', 'rewind', 'start', 'stop'] as const) {
      expect(decide(stoppedView(1, { tasks: [task(kind)] })), kind).toMatchObject({ kind: 'wait' });
    }
  });
  test('a shutdown does not wait for hours of a clone', () => {
    expect(decide(emptyView(1, { tasks: [task('clone')], wishes: shutdown })).kind).toBe('exit');
    expect(decide(stoppedView(1, { tasks: [task('stop')], wishes: shutdown })).kind).toBe('wait');
  });
  test('a stop that nobody waits for is carried to its end', () => {
    const stopping = { state: 'stopping' as const };
    expect(decide(standbyView({ local: stopping }))).toMatchObject({ kind: 'stop', mode: 'kill' });
    const backwards = { record: record({ epoch: epoch(1) }), local: stopping };
    expect(decide(standbyView({ ...backwards, server: null }))).toMatchObject({ kind: 'stop', mode: 'kill' });
  });
});

describe('a shutdown under a pause', () => {
  const paused = record({ paused: true });
  const wishes = { ...shutdown, mayLeavePostgres: true };
  const leaves = { kind: 'exit', leavesPostgres: true };
  test('leaves Postgres running for the next agent, where it can outlive this one', () => {
    expect(decide(primaryView({ record: paused, wishes }))).toMatchObject(leaves);
    expect(decide(standbyView({ record: paused, wishes }))).toMatchObject(leaves);
    expect(decide(primaryView({ record: paused, wishes: shutdown })).kind).toBe('stop');
    expect(decide(primaryView({ wishes, tasks: checkpointed })).kind).toBe('announce-end');
  });
  test('leaves nothing running that is fenced', () => {
    const fenced = record({ paused: true, fenced: ['*'] });
    expect(decide(primaryView({ record: fenced, wishes })).kind).toBe('stop');
  });
});

describe('a record of another cluster', () => {
  const foreign = record({ systemIdentifier: '8' });
  const held = { lastValid: record() };
  test('is a problem, and nothing is changed on either side', () => {
    for (const view of [
      stoppedView(1, { record: foreign }),
      standbyView({ record: foreign }),
      primaryView({ record: foreign }),
    ]) {
      expect(decide(view)).toMatchObject({ kind: 'problem', code: 'FOREIGN_CLUSTER' });
    }
  });
  test('is never overwritten, and does not keep clients in past the permission', () => {
    const alone = {
      record: foreign,
      seen: held,
      server: { walsenders: [] },
      hold: { renewedAt: ago(4_000) },
    };
    expect(decide(primaryView(alone)).kind).toBe('close-door');
    expect(decide(primaryView({ ...alone, server: { walsenders: [], doorOpen: false } })).kind).toBe(
      'problem',
    );
    const asynchronous = record({ settled: settledAs({ acks: 0 }) });
    const expired = { ...alone, seen: { lastValid: asynchronous }, hold: { renewedAt: ago(8_000) } };
    expect(decide(primaryView(expired)).kind).toBe('stop');
  });
  test('does not keep anybody from ending', () => {
    expect(decide(stoppedView(1, { record: foreign, wishes: shutdown })).kind).toBe('exit');
    expect(decide(standbyView({ record: foreign, wishes: shutdown }))).toMatchObject({
      kind: 'stop',
      demotion: false,
    });
    expect(decide(primaryView({ record: foreign, wishes: shutdown }))).toMatchObject({
      kind: 'stop',
      demotion: true,
    });
  });
});

describe('before the API has said anything', () => {
  const unknown: ViewPatch = { record: null, seen: { known: false, absentSince: null, changedAt: null } };
  test('a member starts as a standby, and waits', () => {
    expect(decide(stoppedView(1, unknown)).kind).toBe('start-standby');
    expect(decide(orphanView(unknown)).kind).toBe('wait');
    expect(decide(emptyView(1, unknown)).kind).toBe('wait');
  });
  test('a primary that was found running goes on', () => {
    expect(decide(primaryView(unknown)).kind).toBe('wait');
  });
  test('everybody may end', () => {
    expect(decide(orphanView({ ...unknown, wishes: shutdown })).kind).toBe('stop');
    expect(decide(primaryView({ ...unknown, wishes: shutdown }))).toMatchObject({
      kind: 'stop',
      demotion: true,
    });
    expect(decide(emptyView(1, { ...unknown, wishes: shutdown })).kind).toBe('exit');
  });
});

describe('every state', () => {
  const states: InstanceState[] = [
    'empty',
    'initializing',
    'cloning',
    'rewinding',
    'stopped',
    'starting',
    'standby',
    'promoting',
    'primary',
    'stopping',
    'unknown',
  ];
  const records = [
    record(),
    record({ holder: '' }),
    record({ epoch: epoch(1) }),
    record({ systemIdentifier: '8' }),
    record({ paused: true }),
    record({ fenced: ['*'] }),
    null,
  ];
  test('gives one decision with a reason, the same for the same view', () => {
    for (const state of states) {
      for (const of of records) {
        for (const make of [primaryView, standbyView, orphanView]) {
          for (const wishes of [{}, shutdown]) {
            const view = make({ record: of, local: { state }, wishes });
            const decision = decide(view);
            expect(decision.reason.length).toBeGreaterThan(0);
            expect(decide(structuredClone(view))).toEqual(decision);
          }
        }
      }
    }
  });
});

test('the longer lease of new settings is written with the next epoch', () => {
  const view = orphanView({
    self: 0,
    peers: [peer(1), peer(2)],
    settings: { leaseDuration: millis(20_000) },
  });
  expect(decide(view)).toMatchObject({ kind: 'win', record: { leaseDuration: 20_000 } });
});
