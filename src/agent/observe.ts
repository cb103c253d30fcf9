import { memberOf } from '../ha/member.ts';
import type { InstanceState } from '../ha/peer.ts';
import { isShared, peerOf, suspect } from '../ha/suspicion.ts';
import { elapsed, type Instant, millis } from '../ha/units.ts';
import type { LocalView, ServerView, Task, View } from '../ha/view.ts';
import type { Observation } from '../postgres/ports.ts';
import type { Context } from './context.ts';

/** The longest that a look at the local Postgres may take, in milliseconds. */
const LOOK = 1_000;
/** The instance tries a new connection every few seconds: one that is missing for so long is late. */
const CONNECT_LATE = 6_000;

/** Collects views: each round of the loop makes one. */
export class Observer {
  readonly #context: Context;
  readonly #startedAt: Instant;
  #lastServer: ServerView | null = null;
  #suspectedSince: Instant | null = null;
  #heard: { readonly primary: string; readonly at: Instant } | null = null;

  constructor(context: Context) {
    this.#context = context;
    this.#startedAt = context.clock.now();
  }

  async observe(): Promise<View> {
    const { instance, clock, hold } = this.#context;
    // Before the look: a work that counts as done has left its traces in what is then seen.
    const tasks = this.#context.tasks.list();
    const seen = await instance.observe(millis(LOOK));
    const now = clock.now();
    const running = seen.process.state !== 'stopped';
    hold.observe(seen.server, running, now);
    if (running) hold.stoppedAt = null;
    else if (seen.provenDead) hold.stoppedAt ??= now;
    return this.#compose(this.#local(seen, tasks), tasks, now);
  }

  #local(seen: Observation, tasks: readonly Task[]): LocalView {
    const { process, lastConnectAt } = seen;
    const running = tasks.filter((task) => task.outcome === 'running');
    const busy = (kind: string) => running.some((task) => task.kind === kind);
    if (seen.server !== null) this.#lastServer = seen.server;
    if (process.state === 'starting' || process.state === 'stopped') this.#lastServer = null;
    return {
      ...seen,
      silentSince: seen.silentSince ?? unconnectable(seen, lastConnectAt),
      state: stateOf(seen, busy, this.#lastServer),
    };
  }

  #compose(local: LocalView, tasks: readonly Task[], now: Instant): View {
    const context = this.#context;
    const peers = context.peers.views();
    for (const { state } of peers) {
      if (state?.seen != null && state.seen.clusterUID === local.clusterUID)
        context.tracker.onTold(state.seen);
    }
    const record = context.tracker.view(local);
    const epoch = record.current?.record.epoch ?? null;
    const view: { -readonly [Part in keyof View]: View[Part] } = {
      now,
      startedAt: this.#startedAt,
      self: context.self,
      settings: context.settings(),
      local,
      record,
      hold: context.hold.view(epoch),
      members: context.peers.records,
      peers,
      recruitment: context.recruitment,
      primaryHeardAt: null,
      suspectedSince: null,
      failedRecruitAt: context.failedRecruitAt,
      tasks,
      wishes: context.wishes.view(),
      chance: Math.random(),
      wallClock: Date.now(),
    };
    view.primaryHeardAt = this.#primaryHeard(view);
    view.suspectedSince = this.#suspicion(view, now);
    return view;
  }

  /** When the record's primary was last heard; what was heard of another counts for nothing. */
  #primaryHeard(view: View): Instant | null {
    const primary = view.record.current?.record.primary ?? null;
    if (primary === null) return null;
    const receiver = view.local.server?.follows === primary ? view.local.server.receiver : null;
    const peer = peerOf(view, memberOf(primary));
    const vouched = peer?.state?.serving === true ? peer.answeredAt : null;
    const before = this.#heard?.primary === primary ? this.#heard.at : null;
    const at = latest(before, receiver?.streaming === true ? receiver.heardAt : null, vouched);
    this.#heard = at === null ? null : { primary, at };
    return at;
  }

  /** Since when this member and enough others suspect the primary that the record names. */
  #suspicion(view: View, now: Instant): Instant | null {
    const record = view.record.current?.record ?? null;
    const suspected =
      record !== null &&
      view.local.state === 'standby' &&
      record.primary !== view.local.identity &&
      isShared(view, record, suspect(view, record));
    if (!suspected) this.#suspectedSince = null;
    else this.#suspectedSince ??= now;
    return this.#suspectedSince;
  }
}

function latest(...instants: readonly (Instant | null)[]): Instant | null {
  return instants.reduce((a, b) => (b !== null && (a === null || b > a) ? b : a), null);
}

/** New connections get no answer, although an old one does: since the last that did. */
function unconnectable(seen: Observation, lastConnectAt: Instant | null): Instant | null {
  if (seen.process.state !== 'running' || lastConnectAt === null) return null;
  return elapsed(lastConnectAt, seen.observedAt) > CONNECT_LATE ? lastConnectAt : null;
}

function stateOf(seen: Observation, busy: (kind: string) => boolean, last: ServerView | null): InstanceState {
  if (busy('initialize')) return 'initializing';
  if (busy('clone')) return 'cloning';
  if (busy('rewind')) return 'rewinding';
  if (busy('stop') || seen.process.state === 'stopping') return 'stopping';
  if (seen.process.state === 'stopped') return seen.data === 'empty' ? 'empty' : 'stopped';
  if (seen.process.state === 'starting' || busy('start')) return 'starting';
  const server = seen.server ?? last;
  if (server === null) return elapsed(seen.silentSince, seen.observedAt) > LOOK ? 'unknown' : 'starting';
  if (!server.inRecovery) return 'primary';
  return server.promoting ? 'promoting' : 'standby';
}
