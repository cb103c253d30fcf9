import { describe, expect, test } from 'vitest';
import { decide } from '../../../src/ha/decide.ts';
import { epoch, timelineId } from '../../../src/ha/units.ts';
import {
  ago,
  END,
  fork,
  forksTo,
  granted,
  id,
  lsn,
  orphanView,
  peer,
  record,
  recruitment,
  settledAs,
  type ViewPatch,
} from './views.ts';

/** pg-2, which may not lead, holds epoch 4 on timeline 4, which left timeline 3 at `at`; pg-0 may lead, and is behind. */
const ahead = granted(2, { epoch: 4, at: END + 500 }, { mayLead: false });
const four = { epoch: epoch(4), lsn: lsn(END + 500) };
const best = (at: number) =>
  peer(2, { timeline: timelineId(4), forks: [...forksTo(3), fork(3, at)], position: four });
const of = (acks = 1) => ({
  record: record({ settled: settledAs({ acks }) }),
  resourceVersion: '7',
});
const pursues = (at: number, patch: ViewPatch = {}, answers = [granted(1), ahead], mine = {}) =>
  decide(
    orphanView({
      peers: [peer(0), best(at)],
      recruitment: recruitment(answers, { base: of(), ...mine }),
      ...patch,
    }),
  );

describe('where the best may not lead', () => {
  test('its WAL is streamed by a candidate whose WAL lies within its history', () => {
    expect(pursues(END)).toMatchObject({ kind: 'catch-up', from: id(2), to: lsn(END + 500) });
    expect(pursues(END, { peers: [peer(0)] })).toMatchObject({ kind: 'catch-up' });
  });
  test('for no longer than a lease duration at once', () => {
    expect(pursues(END, {}, undefined, { startedAt: ago(11_000) }).kind).toBe('abandon-recruit');
  });
  test('a candidate that left its history withdraws in favour of one that may lead and did not', () => {
    const zero = granted(0, { epoch: 3, at: END - 100 });
    const behind = peer(0, { position: { epoch: epoch(3), lsn: lsn(END - 100) } });
    const answers = [granted(1), zero, ahead];
    expect(pursues(END - 50, { peers: [behind, best(END - 50)] }, answers)).toMatchObject({
      kind: 'yield',
      to: 'pg-0',
    });
  });
  test('and in favour of the best itself, where nobody who may lead can stream it', () => {
    expect(pursues(END - 50)).toMatchObject({ kind: 'yield', to: 'pg-2', epoch: 4 });
    const alike = [granted(1), granted(0), ahead];
    expect(pursues(END - 50, {}, alike)).toMatchObject({ kind: 'yield', to: 'pg-2' });
  });
  test('and so does one that needs WAL which the best no longer has', () => {
    expect(pursues(END, {}, undefined, { walGone: true })).toMatchObject({ kind: 'yield', to: 'pg-2' });
  });
});

describe('a member that may not lead', () => {
  const tagged = { tags: { nofailover: true, nosync: false, priority: 0 } };
  const lead = { epoch: epoch(4), at: ago(100) };
  test('does not recruit', () => {
    expect(decide(orphanView({ settings: tagged })).kind).not.toBe('recruit');
  });
  test('recruits where a candidate withdrew in its favour, and leads as the best', () => {
    expect(decide(orphanView({ settings: tagged, wishes: { lead } }))).toMatchObject({ kind: 'recruit' });
    const own = granted(1, { epoch: 4, at: END }, { mayLead: false });
    const view = orphanView({
      settings: tagged,
      recruitment: recruitment([own, granted(2)], { base: of() }),
    });
    expect(decide(view)).toMatchObject({ kind: 'win', proof: 'promises' });
  });
  test('does not, while it ends', () => {
    expect(decide(orphanView({ settings: tagged, wishes: { lead, shutdown: true } })).kind).not.toBe(
      'recruit',
    );
  });
});
