import { connect } from 'node:net';
import type { MemberName } from '../ha/member.ts';
import type { PeerState } from '../ha/peer.ts';
import type { MemberRecord } from '../ha/record.ts';
import { elapsed, type Millis, millis } from '../ha/units.ts';
import type { PeerView } from '../ha/view.ts';
import { PeerClient, type PeerTls } from '../http/peer-client.ts';
import type { Clock } from '../kubernetes/clock.ts';
import { Wakeup } from '../kubernetes/wakeup.ts';

/** How often a peer is asked how it is. */
const PACE = { primary: 500, other: 1_000, suspicious: 150, urgent: 15 } as const;

export interface PeersOptions {
  readonly self: MemberName;
  readonly clock: Clock;
  readonly token: () => string | null;
  readonly tls: () => PeerTls | null;
  /** A ping that takes longer counts as no answer. */
  readonly pingDeadline: () => Millis;
  /** Something that a decision may depend on changed. */
  readonly onChange: () => void;
}

/** Told of every call to a peer: for metrics. `duration` in milliseconds. */
export type ObservePeerCall = (call: 'state' | 'promise', outcome: string, duration: Millis) => void;

interface Peer {
  record: MemberRecord;
  client: PeerClient;
  view: PeerView;
  readonly nudge: Wakeup;
  readonly abort: AbortController;
}

/** The other members: asked how they are, again and again, each on its own pace. */
export class Peers {
  readonly #options: PeersOptions;
  readonly #peers = new Map<MemberName, Peer>();
  #primary: MemberName | null = null;
  #suspicious = false;
  #ownRecordGone = false;
  #urgent: MemberName | null = null;
  /** Set once there are metrics. */
  onCall: ObservePeerCall = () => undefined;
  #signal: AbortSignal | null = null;

  constructor(options: PeersOptions) {
    this.#options = options;
  }

  /** Begins to ask. */
  start(signal: AbortSignal): void {
    this.#signal = signal;
    for (const peer of this.#peers.values()) void this.#attend(peer, signal);
  }

  get records(): readonly MemberRecord[] {
    return [...this.#peers.values()].map((peer) => peer.record);
  }

  /** Somebody deleted this member's own Lease. */
  get isOwnRecordGone(): boolean {
    return this.#ownRecordGone;
  }

  views(): readonly PeerView[] {
    return [...this.#peers.values()].map((peer) => peer.view);
  }

  client(member: MemberName): PeerClient | null {
    return this.#peers.get(member)?.client ?? null;
  }

  record(member: MemberName): MemberRecord | null {
    return this.#peers.get(member)?.record ?? null;
  }

  /**
   * The primary is asked more often; under suspicion everybody is; `urgent` names the one whose next answer the
   * change of office waits for.
   */
  attend(primary: MemberName | null, suspicious: boolean, urgent: MemberName | null): void {
    const wake = suspicious && !this.#suspicious;
    const hurry = urgent !== null && urgent !== this.#urgent;
    this.#primary = primary;
    this.#suspicious = suspicious;
    this.#urgent = urgent;
    if (wake) this.nudge();
    else if (hurry) this.nudge(urgent);
  }

  /** Asks every peer (or one) now. */
  nudge(member?: MemberName): void {
    for (const [name, peer] of this.#peers) if (member === undefined || name === member) peer.nudge.wake();
  }

  /** A member's Lease as the watch shows it; null: deleted. */
  update(member: MemberName, record: MemberRecord | null): void {
    if (member === this.#options.self) {
      this.#ownRecordGone = record === null;
      return;
    }
    const known = this.#peers.get(member);
    if (record === null) {
      known?.abort.abort();
      known?.client.close();
      this.#peers.delete(member);
      this.#options.onChange();
      return;
    }
    if (known === undefined) {
      const peer: Peer = {
        record,
        client: this.#connect(record),
        view: unheard(member),
        nudge: new Wakeup(),
        abort: new AbortController(),
      };
      this.#peers.set(member, peer);
      if (this.#signal !== null) void this.#attend(peer, this.#signal);
    } else {
      const moved =
        known.record.host !== record.host ||
        known.record.httpPort !== record.httpPort ||
        known.record.https !== record.https;
      known.record = record;
      if (moved) {
        known.client.close();
        known.client = this.#connect(record);
        known.nudge.wake();
      }
    }
    this.#options.onChange();
  }

  close(): void {
    for (const peer of this.#peers.values()) {
      peer.abort.abort();
      peer.client.close();
    }
  }

  #connect(record: MemberRecord): PeerClient {
    return new PeerClient({
      host: record.host,
      port: record.httpPort,
      token: this.#options.token,
      tls: record.https ? this.#options.tls : () => null,
      onClosed: () => this.nudge(record.member),
    });
  }

  async #attend(peer: Peer, signal: AbortSignal): Promise<void> {
    const ended = AbortSignal.any([signal, peer.abort.signal]);
    while (!ended.aborted) {
      await this.#ask(peer, ended);
      await peer.nudge.sleep(millis(this.#paceOf(peer.record.member)), ended);
    }
  }

  #paceOf(member: MemberName): number {
    if (member === this.#urgent) return PACE.urgent;
    if (this.#suspicious) return PACE.suspicious;
    // Twice within `suspectAfter`, however short that is: its word is what keeps members from suspecting it.
    return member === this.#primary ? Math.min(PACE.primary, this.#options.pingDeadline() / 2) : PACE.other;
  }

  async #ask(peer: Peer, signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    const sentAt = clock.now();
    const result = await peer.client.state(this.#options.pingDeadline(), signal);
    if (signal.aborted) return;
    this.onCall('state', result.outcome, elapsed(sentAt, clock.now()));
    const before = peer.view;
    const lastAt = clock.now();
    if (result.outcome === 'answered') {
      peer.view = {
        ...before,
        state: result.value,
        answeredAt: sentAt,
        last: 'answered',
        lastAt,
        postgres: 'unknown',
      };
    } else {
      const { host, postgresPort } = peer.record;
      const postgres = await probePort(host, postgresPort, millis(300), signal);
      peer.view = { ...before, last: result.outcome, lastAt: clock.now(), postgres };
    }
    // Under suspicion, and at the end of a primary, also who is heard and how far each member is.
    if (this.#suspicious || peer.record.member === this.#urgent || matters(before, peer.view))
      this.#options.onChange();
  }
}

function unheard(member: MemberName): PeerView {
  return { member, state: null, answeredAt: null, last: 'never', lastAt: null, postgres: 'unknown' };
}

/** Whether a decision could come out differently. */
function matters(before: PeerView, after: PeerView): boolean {
  if (before.last !== after.last || before.postgres !== after.postgres) return true;
  return !saysTheSame(before.state, after.state);
}

/** What always moves while a cluster works. */
const MOVES: ReadonlySet<keyof PeerState> = new Set(['position', 'replayLsn', 'replayLag', 'hearsPrimary']);

function saysTheSame(a: PeerState | null, b: PeerState | null): boolean {
  if (a === null || b === null) return a === b;
  for (const part in b) {
    const key = part as keyof PeerState;
    if (a[key] === b[key] || MOVES.has(key)) continue;
    if (JSON.stringify(a[key]) !== JSON.stringify(b[key])) return false;
  }
  return true;
}

/** Whether anybody listens on a port. */
export async function probePort(
  host: string,
  port: number,
  deadline: Millis,
  signal: AbortSignal,
): Promise<PeerView['postgres']> {
  const { promise, resolve } = Promise.withResolvers<PeerView['postgres']>();
  const socket = connect({ host, port });
  const timer = setTimeout(() => resolve('unknown'), deadline);
  const onAbort = (): void => resolve('unknown');
  signal.addEventListener('abort', onAbort, { once: true });
  socket.once('connect', () => resolve('accepts'));
  socket.once('error', (error: NodeJS.ErrnoException) => {
    resolve(error.code === 'ECONNREFUSED' || error.code === 'ECONNRESET' ? 'refused' : 'unknown');
  });
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', onAbort);
    socket.destroy();
  }
}
