import { expect, test } from 'vitest';
import type { Context } from '../../../src/agent/context.ts';
import { RecoveryControl } from '../../../src/agent/recovery/control.ts';
import { recoveryInTheWay } from '../../../src/agent/recovery/in-the-way.ts';
import { recoveryReport } from '../../../src/agent/recovery/report.ts';
import type { Configuration } from '../../../src/config/configuration.ts';
import type { ClusterRecord } from '../../../src/ha/record.ts';
import { beginRecovery } from '../../../src/ha/recovery.ts';
import { timelineId } from '../../../src/ha/units.ts';
import type { View } from '../../../src/ha/view.ts';
import type { ControlResult } from '../../../src/http/ports.ts';
import {
  ago,
  name,
  peer,
  primaryView,
  record,
  settledAs,
  standbyView,
  unknownPeer,
  type ViewPatch,
} from '../ha/views.ts';

const REQUEST = {
  goal: { kind: 'immediate', value: '', exclusive: false },
  timeline: 'latest',
  backup: null,
  pause: false,
} as const;

const UNDER_WAY = beginRecovery(record(), {
  id: 'abcd0123',
  goal: { kind: 'time', value: '2026-01-01 00:00:00+00', exclusive: true },
  timeline: timelineId(3),
  backup: 'base_1',
  by: name(0),
  at: '2026-01-02T00:00:00.000Z',
  pauses: true,
});

const PEERS = [peer(1, { kept: null }), peer(2, { kept: null })];

/** A control of this view, over a record that a swap changes. */
function control(view: View, url: string | null = 'file:///nowhere/archive') {
  const written: ClusterRecord[] = [];
  const forwarded: string[] = [];
  let current = view.record.current?.record ?? record();
  const context = {
    self: view.self,
    tracker: { onSwapped: () => undefined },
    peers: { nudge: () => undefined },
    log: { info: () => undefined },
    api: () => ({
      writer: {
        swap: async (mutate: (now: ClusterRecord) => ClusterRecord | null) => {
          const next = mutate(current);
          if (next === null) return { outcome: 'declined' };
          current = next;
          written.push(next);
          return { outcome: 'swapped', current: { record: next, resourceVersion: '8' } };
        },
      },
    }),
  } as unknown as Context;
  const port = new RecoveryControl({
    context,
    configuration: { archive: { url } } as Configuration,
    binaries: { directory: '/nowhere', version: '15.0', major: 15 },
    view: () => view,
    forward: async (member, path): Promise<ControlResult> => {
      forwarded.push(`${member} ${path}`);
      return { accepted: true, message: 'forwarded' };
    },
  });
  return { port, written, forwarded };
}

async function refusal(patch: ViewPatch, url?: string | null): Promise<string> {
  const { port, written } = control(primaryView({ peers: PEERS, ...patch }), url);
  const result = await port.begin(REQUEST);
  expect(written).toEqual([]);
  return result.accepted ? 'accepted' : result.refusal.code;
}

test('is not begun where it could not come to an end', async () => {
  expect(await refusal({}, null)).toBe('NO_ARCHIVE');
  expect(await refusal({ record: UNDER_WAY })).toBe('RECOVERY_UNDER_WAY');
  expect(await refusal({ record: record({ fenced: ['pg-1'] }) })).toBe('FENCED');
  expect(await refusal({ record: record({ primary: null }) })).toBe('NO_PRIMARY');
  expect(await refusal({ record: record({ settled: settledAs({ epoch: 2 as never }) }) })).toBe('NO_PRIMARY');
  expect(await refusal({ peers: [peer(1, { kept: null }), unknownPeer(2)] })).toBe('MEMBER_SILENT');
  const late = peer(2, { kept: null }, { answeredAt: ago(5_000) });
  expect(await refusal({ peers: [peer(1, { kept: null }), late] })).toBe('MEMBER_SILENT');
  expect(await refusal({ peers: [peer(1, { kept: null }), peer(2)] })).toBe('MEMBER_TOO_OLD');
  const kept = { id: 'before', phase: 'aside', generation: 1 } as const;
  expect(await refusal({ local: { kept } })).toBe('RECOVERY_LEFT_OVER');
});

test('is sent on to the primary', async () => {
  const { port, forwarded } = control(standbyView());
  expect(await port.begin(REQUEST)).toMatchObject({ accepted: true });
  expect(forwarded).toEqual(['pg-0 /v1/recovery']);
});

test('is confirmed only when it serves, and abandoned at any time', async () => {
  const stopping = control(primaryView({ record: UNDER_WAY }));
  expect(await stopping.port.confirm()).toMatchObject({ refusal: { code: 'RECOVERY_NOT_DONE' } });
  expect(stopping.written).toEqual([]);
  expect(await stopping.port.abandon()).toMatchObject({ accepted: true });
  expect(stopping.written).toMatchObject([{ recovery: { state: 'abandoning', by: 'pg-0' } }]);
  expect(await stopping.port.abandon()).toMatchObject({ accepted: true });
  expect(stopping.written.length).toBe(1);

  const recovery = { ...UNDER_WAY.recovery!, state: 'serving' as const };
  const serving = control(primaryView({ record: { ...UNDER_WAY, recovery } }));
  expect(await serving.port.confirm()).toMatchObject({ accepted: true });
  expect(serving.written).toMatchObject([{ confirmed: 'abcd0123' }]);
  expect(serving.written[0]?.recovery).toBeUndefined();
});

test('has nothing to pause at where no target is given', async () => {
  const { port } = control(primaryView({ peers: PEERS }));
  const latest = { ...REQUEST, goal: { kind: 'latest', value: '', exclusive: false }, pause: true } as const;
  expect(await port.begin(latest)).toMatchObject({ status: 400, refusal: { code: 'RECOVERY_TARGET' } });
});

test('is resumed once, and only where it pauses', async () => {
  const paused = { at: '2026-01-02T00:01:00.000Z', socketDirectory: '/tmp/x' };
  const recovery = { ...UNDER_WAY.recovery!, state: 'recovering' as const, paused };
  const standing = control(primaryView({ record: { ...UNDER_WAY, recovery } }));
  expect(await standing.port.resume(null)).toMatchObject({ accepted: true });
  expect(standing.written).toMatchObject([
    { recovery: { state: 'recovering', pauses: false, paused: null } },
  ]);
  expect(standing.written[0]?.revision).toBe(UNDER_WAY.revision + 1);
  expect(await standing.port.resume(null)).toMatchObject({ refusal: { code: 'RECOVERY_NOT_PAUSED' } });
  expect(standing.written.length).toBe(1);

  const serving = { ...recovery, state: 'serving' as const };
  const late = control(primaryView({ record: { ...UNDER_WAY, recovery: serving } }));
  expect(await late.port.resume(null)).toMatchObject({ refusal: { code: 'RECOVERY_NOT_PAUSED' } });
});

test('goes no further where this member has no archive', async () => {
  const { port, written } = control(primaryView({ record: UNDER_WAY }), null);
  const goal = { kind: 'time', value: '2026-02-01 00:00:00+00', exclusive: false } as const;
  expect(await port.resume(goal)).toMatchObject({ status: 412, refusal: { code: 'NO_ARCHIVE' } });
  expect(written).toEqual([]);
});

test('goes forwards only', async () => {
  const { port, written } = control(primaryView({ record: UNDER_WAY }));
  for (const value of ['2025-12-31 23:59:59+00', '2026-01-01 00:00:00+00'])
    expect(await port.resume({ kind: 'time', value, exclusive: true })).toMatchObject({
      status: 400,
      refusal: { code: 'RECOVERY_TARGET' },
    });
  expect(await port.resume({ kind: 'latest', value: '', exclusive: false })).toMatchObject({ status: 400 });
  expect(written).toEqual([]);
});

test('where there is none, nothing is confirmed or abandoned', async () => {
  const { port } = control(primaryView());
  for (const result of [await port.confirm(), await port.abandon()])
    expect(result).toMatchObject({ status: 404, refusal: { code: 'NO_RECOVERY' } });
});

test('is told with its target and who has done its part', () => {
  const aside = peer(1, { kept: { id: 'abcd0123', phase: 'aside' } });
  const view = primaryView({ record: UNDER_WAY, peers: [aside, peer(2, { kept: null })] });
  expect(recoveryReport(view)).toMatchObject({
    id: 'abcd0123',
    state: 'stopping',
    target: 'just before the time 2026-01-01 00:00:00+00',
    by: 'pg-0',
    done: ['pg-1'],
  });
  expect(recoveryReport(primaryView())).toBeNull();
});

test('keeps backups, retention and drills from beginning', () => {
  expect(recoveryInTheWay(primaryView({ record: UNDER_WAY }))).toMatchObject({
    status: 409,
    refused: { code: 'RECOVERY_UNDER_WAY' },
  });
  expect(recoveryInTheWay(primaryView())).toBeNull();
});
