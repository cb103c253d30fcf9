import { describe, expect, test } from 'vitest';
import { nextReplacement, type Replacement } from '../../../src/agent/next-replacement.ts';
import type { View } from '../../../src/ha/view.ts';
import type { MemberPod } from '../../../src/kubernetes/workload.ts';
import {
  ago,
  deadPeer,
  id,
  lsn,
  memberRecord,
  name,
  peer,
  primaryServer,
  primaryView,
  record,
  walsender,
} from '../ha/views.ts';

const MEMBERS = [0, 1, 2].map((index) => memberRecord(index));
const whole = (patch: Parameters<typeof primaryView>[0] = {}): View =>
  primaryView({ members: MEMBERS, peers: [peer(1), peer(2)], ...patch });
const pod = (index: number, revision: string | null, patch: Partial<MemberPod> = {}): MemberPod => ({
  member: name(index),
  uid: `uid-${index}`,
  revision,
  terminating: false,
  ready: revision !== null,
  ...patch,
});
const told = (next: Replacement): string =>
  next.kind === 'evict' ? next.pod.member : next.kind === 'wait' ? `wait: ${next.reason}` : 'none';
const next = (pods: readonly MemberPod[], view = whole(), mode: 'automatic' | 'supervised' = 'automatic') =>
  told(nextReplacement(view, 'new', pods, mode));

describe('a rollout', () => {
  test('takes the standbys one by one from the last, and the primary at the end', () => {
    expect(next([pod(0, 'old'), pod(1, 'old'), pod(2, 'old')])).toBe('pg-2');
    expect(next([pod(0, 'old'), pod(1, 'old'), pod(2, 'new')])).toBe('pg-1');
    expect(next([pod(0, 'old'), pod(1, 'new'), pod(2, 'new')])).toBe('pg-0');
    expect(next([pod(0, 'new'), pod(1, 'new'), pod(2, 'new')])).toBe('none');
  });

  test('waits before the hand-over where that is supervised; the standbys are done by then', () => {
    expect(next([pod(0, 'old'), pod(1, 'old'), pod(2, 'new')], whole(), 'supervised')).toBe('pg-1');
    expect(next([pod(0, 'old'), pod(1, 'new'), pod(2, 'new')], whole(), 'supervised')).toMatch(
      /^wait: .*super/,
    );
  });

  test('waits while a pod is away, going, or not ready', () => {
    const away = /^wait: pg-2 is being replaced/;
    expect(next([pod(0, 'old'), pod(1, 'old'), pod(2, null)])).toMatch(away);
    expect(next([pod(0, 'old'), pod(1, 'old'), pod(2, 'old', { terminating: true })])).toMatch(away);
    expect(next([pod(0, 'old'), pod(1, 'old'), pod(2, 'new', { ready: false })])).toMatch(
      /^wait: pg-2 does not/,
    );
  });

  test('waits for a standby that does not stream, does not reply, or lags behind', () => {
    const pods = [pod(0, 'old'), pod(1, 'old'), pod(2, 'new')];
    const by = (second: Parameters<typeof walsender>[1]) =>
      whole({
        server: primaryServer({
          flushLsn: lsn(2 ** 30),
          walsenders: [walsender(1, CLOSE), walsender(2, second)],
        }),
      });
    const CLOSE = { flushLsn: lsn(2 ** 30) };
    expect(next(pods, by(CLOSE))).toBe('pg-1');
    for (const lame of [
      { flushLsn: lsn(2 ** 29) },
      { ...CLOSE, streaming: false },
      { ...CLOSE, repliedAt: ago(20_000) },
    ])
      expect(next(pods, by(lame))).toMatch(/^wait: pg-2 does not/);
    const another = whole({
      server: primaryServer({ walsenders: [walsender(1), walsender(2, { identity: id(2, 9) })] }),
    });
    expect(next(pods, another)).toMatch(/^wait: pg-2 does not/);
  });

  test('replaces first what does not run with an older template, and touches nobody beside one that has the new', () => {
    const down = whole({
      peers: [peer(1), deadPeer(2)],
      server: primaryServer({ walsenders: [walsender(1)] }),
    });
    expect(next([pod(0, 'old'), pod(1, 'older'), pod(2, 'broken', { ready: false })], down)).toBe('pg-2');
    expect(next([pod(0, 'old'), pod(1, 'old'), pod(2, 'new', { ready: false })], down)).toMatch(
      /^wait: pg-2/,
    );
    // It is at work: a clone, say.
    const busy = whole({ server: primaryServer({ walsenders: [walsender(1)] }) });
    expect(next([pod(0, 'old'), pod(1, 'old'), pod(2, 'old', { ready: false })], busy)).toMatch(
      /^wait: pg-2/,
    );
  });

  test('does nothing under a pause, during a hand-over, or in an epoch that is not settled', () => {
    const pods = [pod(0, 'old'), pod(1, 'old'), pod(2, 'old')];
    expect(next(pods, whole({ record: record({ paused: true }) }))).toMatch(/^wait: .*paused/);
    expect(next(pods, whole({ record: record({ ending: { target: id(1), cause: 'switchover' } }) }))).toMatch(
      /^wait/,
    );
    expect(next(pods, whole({ wishes: { shutdown: true } }))).toMatch(/^wait/);
    expect(next(pods, whole({ local: { state: 'standby' } }))).toMatch(/^wait: the epoch/);
  });
});
