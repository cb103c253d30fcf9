import type { Decision } from '../ha/decision.ts';
import { compareLsn } from '../ha/lsn.ts';
import { type MemberName, memberIncarnation } from '../ha/member.ts';
import type { PromiseAnswer } from '../ha/peer.ts';
import { synchronousStandbyNames } from '../ha/quorum.ts';
import type { Cohort, VersionedRecord } from '../ha/record.ts';
import { baseOfRepair } from '../ha/repair.ts';
import type { Instant } from '../ha/units.ts';
import { elapsed, millis } from '../ha/units.ts';
import type { Recruitment, View } from '../ha/view.ts';
import type { ReadResult } from '../kubernetes/ports.ts';
import type { Context } from './context.ts';
import { promiseEpoch } from './promises.ts';

type Recruit = Extract<Decision, { kind: 'recruit' }>;

/** The deadline of the direct GET before a recruitment, in milliseconds. */
const LOOK = 1_000;

/** How long the preparation of a promotion may hold up the own promise, in milliseconds. */
const PREPARE = 1_000;

/**
 * Begins a recruitment: a direct GET, this member's own promise, and then everybody else's, all asked at once. The
 * answers come into the view as they arrive.
 */
export async function recruit(context: Context, view: View, decision: Recruit): Promise<void> {
  const base = await basis(context, view, decision);
  if (base === null) {
    context.failedRecruitAt = context.clock.now();
    return;
  }
  // Its own promise is on disk before anybody is asked; then everybody's receiver ends at the same time.
  await context.instance.writePromise(decision.epoch);
  const recruitment: Recruitment = {
    epoch: decision.epoch,
    startedAt: context.clock.now(),
    base: base.current,
    baseAt: base.sentAt,
    answers: [],
    complete: false,
    walGone: false,
  };
  context.recruitment = recruitment;
  const others = decision.from.filter((member) => member !== context.self);
  const asked = Promise.all(others.map((member) => ask(context, view, recruitment, member)));
  if (decision.prepares !== null) await prepare(context, decision.prepares);
  const own = await promiseEpoch(context, view, decision.epoch);
  if (!own.granted) {
    context.log.warn({ event: 'recruit.refused', reason: own.reason }, `It cannot recruit: ${own.reason}`);
    context.recruitment = null;
    context.failedRecruitAt = context.clock.now();
    return;
  }
  amend(context, recruitment, (now) => ({ ...now, answers: [...now.answers, own] }));
  void asked.then(() => amend(context, recruitment, (now) => ({ ...now, complete: true })));
}

/** What fails here is done again by the promotion. */
async function prepare(context: Context, cohort: Cohort): Promise<void> {
  try {
    await context.instance.prepareToPromote(synchronousStandbyNames(cohort), AbortSignal.timeout(PREPARE));
  } catch (error) {
    context.log.warn(
      { event: 'prepare.failed', err: error },
      'The promotion could not be prepared beforehand',
    );
  }
}

/** The record that the arithmetic is made with; null: it is not the one that the decision was made for. */
async function basis(
  context: Context,
  view: View,
  decision: Recruit,
): Promise<{ readonly current: VersionedRecord; readonly sentAt: Instant } | null> {
  const api = context.api();
  if (api === null) return null;
  const result = await api.writer.read(millis(LOOK));
  context.tracker.onRead(result);
  if (result.outcome === 'unknown') {
    context.log.warn(
      { event: 'recruit.blind', err: result.error },
      `The record could not be read: ${result.error.message}`,
    );
    return null;
  }
  if (decision.repair) {
    const record = baseOfRepair(view);
    if (record === null) return null;
    const resourceVersion = versionOf(result);
    return { current: { record, resourceVersion }, sentAt: result.sentAt };
  }
  if (result.outcome !== 'found') return null;
  const known = view.record.current;
  if (result.current.record.epoch !== known?.record.epoch) return null;
  if (result.current.record.primary !== known.record.primary) return null;
  return result;
}

/** Of what a repair writes over; empty: there is nothing. */
function versionOf(result: Exclude<ReadResult, { outcome: 'unknown' }>): string {
  if (result.outcome === 'found') return result.current.resourceVersion;
  return result.outcome === 'unreadable' ? result.resourceVersion : '';
}

async function ask(
  context: Context,
  view: View,
  recruitment: Recruitment,
  member: MemberName,
): Promise<void> {
  const client = context.peers.client(member);
  const { identity } = view.local;
  if (client === null || identity === null) return;
  const { record } = recruitment.base;
  const sentAt = context.clock.now();
  const result = await client.promise(
    {
      clusterUID: record.clusterUID,
      candidate: identity,
      epoch: recruitment.epoch,
      recordEpoch: record.epoch,
      recordRevision: record.revision,
      ...(record.generation > 1 ? { generation: record.generation } : {}),
    },
    view.settings.recruitTimeout,
  );
  context.peers.onCall('promise', result.outcome, elapsed(sentAt, context.clock.now()));
  if (result.outcome === 'fault') {
    context.log.warn(
      { event: 'recruit.unanswered', peer: member, err: result.error },
      `${member} did not answer the request for a promise: ${result.error.message}`,
    );
  }
  if (result.outcome !== 'answered') return;
  amend(context, recruitment, (now) => ({
    ...now,
    answers: [...now.answers, result.value],
  }));
}

/** Changes the recruitment, if it is still the one that was begun. */
function amend(context: Context, begun: Recruitment, change: (now: Recruitment) => Recruitment): void {
  const now = context.recruitment;
  if (now === null || now.epoch !== begun.epoch || now.startedAt !== begun.startedAt) return;
  context.recruitment = change(now);
  context.wake();
}

/** The best may not lead: its WAL is streamed before this member goes on. */
export async function catchUp(
  context: Context,
  view: View,
  decision: Extract<Decision, { kind: 'catch-up' }>,
): Promise<void> {
  const { recruitment } = context;
  const member = view.peers.find(
    (peer) =>
      peer.state !== null &&
      peer.state.incarnation !== null &&
      memberIncarnation(peer.member, peer.state.incarnation) === decision.from,
  );
  const record = member === undefined ? null : context.peers.record(member.member);
  if (recruitment === null || record === null) return;
  await context.instance.follow({ identity: decision.from, host: record.host, port: record.postgresPort });
  const begun = context.clock.now();
  const limit = millis(1_000);
  let walGone = false;
  while (elapsed(begun, context.clock.now()) < limit) {
    const seen = await context.instance.observe(millis(500));
    walGone = seen.walRemoved;
    if (walGone) break;
    if (seen.server !== null && compareLsn(seen.server.flushLsn, decision.to) >= 0) break;
    await context.clock.sleep(millis(20), AbortSignal.timeout(1_000));
  }
  const own = await promiseEpoch(context, view, recruitment.epoch);
  amend(context, recruitment, (now) => ({
    ...now,
    answers: replaceOwn(now.answers, own),
    walGone,
  }));
}

function replaceOwn(answers: readonly PromiseAnswer[], own: PromiseAnswer): readonly PromiseAnswer[] {
  if (!own.granted) return answers;
  return [...answers.filter((answer) => !answer.granted || answer.identity !== own.identity), own];
}
