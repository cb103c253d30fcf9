import { isExpired, isReleased } from '../ha/lease.ts';
import type { MemberName } from '../ha/member.ts';
import { memberOf } from '../ha/member.ts';
import type { PeerState } from '../ha/peer.ts';
import type { ClusterRecord } from '../ha/record.ts';
import { agentVouches } from '../ha/suspicion.ts';
import { millis } from '../ha/units.ts';
import type { View } from '../ha/view.ts';
import type { Control, ControlResult } from '../http/ports.ts';
import type { Context } from './context.ts';

/** The longest that a wish may take to be written into the record, in milliseconds. */
const WRITE = 5_000;
/** How long a peer that a request is about may take to answer, in milliseconds. */
const PEER_DEADLINE = 1_000;

export interface ControlDeps {
  readonly context: Context;
  /** The last view; null before the first. */
  view(): View | null;
  /** Sends a call for another member on to its agent. */
  forward(member: MemberName, path: string, body: unknown): Promise<ControlResult>;
  reload(): Promise<{ readonly message: string }>;
  pendingRestart(): readonly string[];
}

const accepted = (message: string): ControlResult => ({ accepted: true, message });

function refused(
  status: 400 | 404 | 409 | 412 | 503,
  code: string,
  message: string,
  remedy: string,
): ControlResult {
  return { accepted: false, status, refusal: { code, message, remedy } };
}

/** Changing calls: each writes a wish into the cluster record, or gives it to the loop of the member it is for. */
export function createControl(deps: ControlDeps): Control {
  const { context } = deps;

  const change = async (
    message: string,
    mutate: (record: ClusterRecord) => ClusterRecord | null,
  ): Promise<ControlResult> => {
    const api = context.api();
    if (api === null) return unreachable('the API client is not ready yet');
    for (let attempt = 0; attempt < 5; attempt++) {
      const result = await api.writer.swap(mutate, millis(WRITE));
      switch (result.outcome) {
        case 'swapped':
          context.tracker.onSwapped(result.current);
          context.peers.nudge();
          return accepted(message);
        case 'declined':
          return accepted('nothing to change');
        case 'unknown':
          return unreachable(result.error.message);
        case 'conflict':
          continue;
      }
    }
    return refused(409, 'RECORD_BUSY', 'the cluster record kept changing', 'try again');
  };

  /** What a peer says just now: what it said last is up to a second old, and a person may not be refused for that. */
  const asked = async (member: MemberName | null): Promise<PeerState | null> => {
    const limit = millis(PEER_DEADLINE);
    const client = member === null ? null : context.peers.client(member);
    const result = await client?.state(limit, AbortSignal.timeout(limit));
    return result?.outcome === 'answered' ? result.value : null;
  };

  const known = (member: MemberName | '*'): ControlResult | null => {
    const view = deps.view();
    const exists =
      member === '*' ||
      member === context.self ||
      (view?.settings.expectedMembers.includes(member) ?? false) ||
      context.peers.record(member) !== null;
    if (exists) return null;
    const names = [context.self, ...context.peers.records.map((record) => record.member)].sort();
    return refused(
      404,
      'UNKNOWN_MEMBER',
      `there is no member ${member}`,
      `the members are ${names.join(', ')}`,
    );
  };

  return {
    async switchover({ target, at }) {
      const missing = target === null ? null : known(target);
      if (missing !== null) return missing;
      const view = deps.view();
      const record = view?.record.current?.record ?? null;
      if (view === null || record === null) return unreachable('the cluster record is not known');
      if (record.paused)
        return refused(412, 'PAUSED', 'the cluster is paused', 'run "pgwarden resume" first');
      if (record.primary === null || isReleased(record)) {
        return refused(412, 'NO_PRIMARY', 'there is no primary to switch from', 'use "pgwarden failover"');
      }
      if (at === null && target !== null && memberOf(record.primary) === target) {
        return refused(412, 'ALREADY_PRIMARY', `${target} is the primary already`, 'name another target');
      }
      const unfit = at === null ? unfitTarget(view, record, target, await asked(target)) : null;
      if (unfit !== null)
        return refused(412, 'TARGET_UNFIT', unfit, 'wait until it streams, or name another target');
      const requestedAt = new Date().toISOString();
      return await change(
        at === null
          ? `switchover to ${target ?? 'the best standby'} requested`
          : `switchover to ${target ?? 'the best standby'} scheduled for ${at}`,
        (current) => ({ ...current, switchover: { target, at, requestedAt } }),
      );
    },
    async cancelSwitchover() {
      const record = deps.view()?.record.current?.record ?? null;
      if (record !== null && record.switchover === null) {
        return refused(
          404,
          'NO_SWITCHOVER',
          'no switchover is waiting',
          '"pgwarden status" shows one that is',
        );
      }
      return await change('the switchover is cancelled', (current) =>
        current.switchover === null ? null : { ...current, switchover: null },
      );
    },
    async failover({ target, acceptDataLoss }) {
      const missing = known(target);
      if (missing !== null) return missing;
      if (target !== context.self) {
        return await deps.forward(target, '/v1/failover', { target, acceptDataLoss });
      }
      const view = deps.view();
      const record = view?.record.current?.record ?? null;
      if (view === null || record === null) return unreachable('the cluster record is not known');
      if (
        record.primary !== null &&
        record.primary === view.local.identity &&
        view.local.state === 'primary'
      ) {
        return refused(412, 'ALREADY_PRIMARY', `${target} is the primary already`, 'nothing is to be done');
      }
      if (record.primary !== null && !isReleased(record) && agentVouches(view, memberOf(record.primary))) {
        return refused(
          412,
          'PRIMARY_SERVES',
          `${record.primary} serves`,
          `use "pgwarden switchover --target ${target}", which loses nothing`,
        );
      }
      if (acceptDataLoss && !isReleased(record) && !isExpired(record, view.record, view.now)) {
        context.wishes.failover(true);
        return accepted(`${target} takes over once the Lease has expired, with whatever data it has`);
      }
      context.wishes.failover(acceptDataLoss);
      return accepted(
        acceptDataLoss ? `${target} takes over with whatever data it has` : `${target} recruits`,
      );
    },
    async fence(member) {
      return (
        known(member) ??
        (await change(`${member === '*' ? 'every member' : member} is fenced`, (current) =>
          current.fenced.includes(member) ? null : { ...current, fenced: [...current.fenced, member] },
        ))
      );
    },
    async unfence(member) {
      return (
        known(member) ??
        (await change(`${member === '*' ? 'every member' : member} is no longer fenced`, (current) =>
          current.fenced.length === 0 || (member !== '*' && !current.fenced.includes(member))
            ? null
            : { ...current, fenced: member === '*' ? [] : current.fenced.filter((name) => name !== member) },
        ))
      );
    },
    pause: () =>
      change('the cluster is paused', (current) => (current.paused ? null : { ...current, paused: true })),
    resume: () =>
      change('the cluster is resumed', (current) => (current.paused ? { ...current, paused: false } : null)),
    async restart({ member, onlyPending }) {
      const missing = known(member);
      if (missing !== null) return missing;
      if (member !== context.self) {
        return await deps.forward(member, `/v1/members/${member}/restart`, { onlyPending });
      }
      if (onlyPending && deps.pendingRestart().length === 0)
        return accepted('no setting waits for a restart');
      context.wishes.restart();
      return accepted(`Postgres of ${member} restarts`);
    },
    async reload({ member }) {
      const missing = known(member);
      if (missing !== null) return missing;
      if (member !== context.self) return await deps.forward(member, `/v1/members/${member}/reload`, {});
      try {
        return accepted((await deps.reload()).message);
      } catch (error) {
        return refusedConfiguration(error);
      }
    },
    async reinitialize({ member }) {
      const missing = known(member);
      if (missing !== null) return missing;
      if (member !== context.self)
        return await deps.forward(member, `/v1/members/${member}/reinitialize`, {});
      const view = deps.view();
      const record = view?.record.current?.record ?? null;
      if (view === null || record === null) return unreachable('the cluster record is not known');
      if (record.primary === view.local.identity) {
        return refused(412, 'IS_PRIMARY', `${member} is the primary`, 'switch over to another member first');
      }
      context.wishes.reinitialize();
      return accepted(`${member} is made anew from the primary; its old data is set aside`);
    },
  };
}

/** The error's own remedy, e.g. the nearest name of a misspelt parameter, and that nothing has changed. */
function refusedConfiguration(error: unknown): ControlResult {
  const message = error instanceof Error ? error.message : String(error);
  const given =
    error instanceof Error && 'remedy' in error ? String(error.remedy) : 'correct the configuration';
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'CONFIGURATION';
  return refused(400, code, message, `${given.replace(/\.$/, '')}; the running configuration goes on`);
}

function unreachable(why: string): ControlResult {
  return refused(
    503,
    'API_UNREACHABLE',
    `the cluster record cannot be written: ${why}`,
    'check the Kubernetes API and try again',
  );
}

/** Why a named target cannot take over now; null: it can. `state`: what it answered just now; null: nothing. */
function unfitTarget(
  view: View,
  record: ClusterRecord,
  target: MemberName | null,
  state: PeerState | null,
): string | null {
  if (target === null) return null;
  if (target === view.self) {
    return view.local.state === 'standby' && view.local.server?.receiver?.streaming === true
      ? null
      : `${target} does not stream (it is ${view.local.state})`;
  }
  if (state === null) return `${target} does not answer`;
  if (state.tags.nofailover) return `${target} is tagged nofailover`;
  if (state.state !== 'standby' || state.streamingFrom !== record.primary) {
    return `${target} does not stream (it is ${state.state})`;
  }
  return null;
}
