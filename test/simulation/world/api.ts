import type { MemberName } from '../../../src/ha/member.ts';
import type { ClusterRecord, MemberRecord, VersionedRecord } from '../../../src/ha/record.ts';
import { instant, type Millis } from '../../../src/ha/units.ts';
import type { ClusterStore, ReadResult, StoreListener, SwapResult } from '../../../src/kubernetes/ports.ts';
import type { Random } from '../engine/random.ts';
import type { Process, Scheduler } from '../engine/scheduler.ts';
import type { Network } from './network.ts';

/** How the API treats one member now. */
export interface ApiMood {
  /** Requests get no answer and have no effect. */
  down: boolean;
  /** Milliseconds more until a request takes effect, and until its answer comes. */
  slow: number;
  /** 5xx, 429: an answer, and no effect. */
  refuse: number;
  /** It took effect, and the answer is lost. */
  loseReply: number;
  /** Watch events come so much later. */
  watchLag: number;
}

export const GOOD_MOOD: ApiMood = { down: false, slow: 0, refuse: 0, loseReply: 0, watchLag: 0 };

interface Watcher {
  readonly member: string;
  readonly owner: Process;
  readonly listener: StoreListener;
  lastAt: number;
  readonly queue: ((listener: StoreListener) => void)[];
  connected: boolean;
}

/** The Leases of the cluster: optimistic concurrency, and a history of every state that the record had. */
export class SimApi {
  current: VersionedRecord | null = null;
  readonly members = new Map<MemberName, MemberRecord>();
  readonly history: VersionedRecord[] = [];
  readonly moods = new Map<string, ApiMood>();
  /** How many requests came. */
  calls = 0;
  readonly #onWrite: (record: ClusterRecord, by: string) => void;
  #version = 100;
  readonly #scheduler: Scheduler;
  readonly #watchers = new Set<Watcher>();

  constructor(scheduler: Scheduler, onWrite: (record: ClusterRecord, by: string) => void) {
    this.#scheduler = scheduler;
    this.#onWrite = onWrite;
  }

  mood(member: string): ApiMood {
    let mood = this.moods.get(member);
    if (mood === undefined) {
      mood = { ...GOOD_MOOD };
      this.moods.set(member, mood);
    }
    return mood;
  }

  write(record: ClusterRecord, by: string): VersionedRecord {
    this.#version += 1;
    this.current = { record, resourceVersion: String(this.#version) };
    this.history.push(this.current);
    this.#onWrite(record, by);
    const seen = this.current;
    this.#announce((listener) => listener.onRecord(seen));
    return seen;
  }

  /** As it was left, before anybody watches. */
  restore(current: VersionedRecord, members: readonly MemberRecord[]): void {
    this.current = current;
    this.history.push(current);
    this.#version = Number(current.resourceVersion);
    for (const record of members) this.members.set(record.member, record);
  }

  /** Somebody deletes the Lease. */
  remove(): void {
    this.current = null;
    this.#announce((listener) => listener.onRecord(null));
  }

  writeMember(record: MemberRecord): void {
    this.members.set(record.member, record);
    this.#announce((listener) => listener.onMember(record.member, record));
  }

  watch(watcher: Omit<Watcher, 'lastAt' | 'connected' | 'queue'>): Watcher {
    const full: Watcher = { ...watcher, lastAt: 0, connected: true, queue: [] };
    this.#watchers.add(full);
    this.list(full);
    return full;
  }

  unwatch(watcher: Watcher): void {
    this.#watchers.delete(watcher);
  }

  /** A list: everything as it is now. */
  list(watcher: Watcher): void {
    const { current } = this;
    this.#deliver(watcher, (listener) => {
      listener.onReachable(true);
      listener.onRecord(current);
    });
    for (const record of this.members.values()) {
      this.#deliver(watcher, (listener) => listener.onMember(record.member, record));
    }
  }

  #announce(tell: (listener: StoreListener) => void): void {
    for (const watcher of this.#watchers) if (watcher.connected) this.#deliver(watcher, tell);
  }

  #deliver(watcher: Watcher, tell: (listener: StoreListener) => void): void {
    const lag = this.mood(watcher.member).watchLag;
    const at = Math.max(watcher.lastAt, this.#scheduler.now + 1 + lag);
    watcher.lastAt = at;
    // In the order in which they were made, whatever the rounding of their instants does.
    watcher.queue.push(tell);
    this.#scheduler.after(at - this.#scheduler.now, watcher.owner, () =>
      watcher.queue.shift()?.(watcher.listener),
    );
  }
}

/** One member's way to the API: `ClusterStore` with everything that a network and a busy server do to it. */
export class SimStore implements ClusterStore {
  readonly #api: SimApi;
  readonly #scheduler: Scheduler;
  readonly #network: Network;
  readonly #random: Random;
  readonly #owner: Process;
  readonly #member: MemberName;
  readonly #now: () => number;
  readonly #onSwapSent: (next: ClusterRecord) => void;

  constructor(parts: {
    api: SimApi;
    scheduler: Scheduler;
    network: Network;
    random: Random;
    owner: Process;
    member: MemberName;
    now: () => number;
    onSwapSent: (next: ClusterRecord) => void;
  }) {
    this.#api = parts.api;
    this.#scheduler = parts.scheduler;
    this.#network = parts.network;
    this.#random = parts.random;
    this.#owner = parts.owner;
    this.#member = parts.member;
    this.#now = parts.now;
    this.#onSwapSent = parts.onSwapSent;
  }

  read(deadline: Millis, signal?: AbortSignal): Promise<ReadResult> {
    const sentAt = instant(this.#now());
    return this.#call<ReadResult>(deadline, signal, () => {
      const { current } = this.#api;
      return current === null ? { outcome: 'absent', sentAt } : { outcome: 'found', current, sentAt };
    });
  }

  create(record: ClusterRecord, deadline: Millis, signal?: AbortSignal): Promise<SwapResult> {
    const sentAt = instant(this.#now());
    return this.#call<SwapResult>(deadline, signal, () => {
      if (this.#api.current !== null) return { outcome: 'conflict' };
      return { outcome: 'swapped', current: this.#api.write(record, this.#member), sentAt };
    });
  }

  swap(
    next: ClusterRecord,
    resourceVersion: string,
    deadline: Millis,
    signal?: AbortSignal,
  ): Promise<SwapResult> {
    const sentAt = instant(this.#now());
    this.#onSwapSent(next);
    return this.#call<SwapResult>(deadline, signal, () => {
      if (this.#api.current?.resourceVersion !== resourceVersion) return { outcome: 'conflict' };
      return { outcome: 'swapped', current: this.#api.write(next, this.#member), sentAt };
    });
  }

  /** A look, then a swap (cluster-store.ts): a write that comes late, when its process is long gone, takes nothing back. */
  async writeMember(record: MemberRecord, deadline: Millis, signal?: AbortSignal): Promise<void> {
    for (;;) {
      const before = this.#api.members.get(record.member);
      const result = await this.#call<{ outcome: 'done' | 'conflict' }>(deadline, signal, () => {
        if (this.#api.members.get(record.member) !== before) return { outcome: 'conflict' };
        this.#api.writeMember(record);
        return { outcome: 'done' };
      });
      if (result.outcome === 'unknown') throw result.error;
      if (result.outcome === 'done') return;
    }
  }

  async removeMember(): Promise<void> {
    throw new Error('no member is removed in a schedule');
  }

  async listMembers(): Promise<readonly MemberRecord[]> {
    return [...this.#api.members.values()];
  }

  watch(listener: StoreListener, signal: AbortSignal): Promise<void> {
    const watcher = this.#api.watch({ member: this.#member, owner: this.#owner, listener });
    const look = (): void => {
      if (signal.aborted) {
        this.#api.unwatch(watcher);
        return;
      }
      const away = this.#isAway();
      if (away && watcher.connected) {
        watcher.connected = false;
        listener.onReachable(false);
      } else if (!away && !watcher.connected) {
        watcher.connected = true;
        this.#api.list(watcher);
      }
      this.#scheduler.after(400, this.#owner, look);
    };
    this.#scheduler.after(400, this.#owner, look);
    return new Promise((resolve) => signal.addEventListener('abort', () => resolve()));
  }

  #isAway(): boolean {
    return (
      this.#api.mood(this.#member).down ||
      this.#network.isCut(this.#member, 'api') ||
      this.#network.isCut('api', this.#member)
    );
  }

  #call<Result extends { outcome: string }>(
    deadline: number,
    signal: AbortSignal | undefined,
    effect: () => Result,
  ): Promise<Result | { readonly outcome: 'unknown'; readonly error: Error }> {
    const { promise, resolve } = Promise.withResolvers<Result | { outcome: 'unknown'; error: Error }>();
    let over = false;
    const end = (result: Result | { outcome: 'unknown'; error: Error }): void => {
      if (over) return;
      over = true;
      this.#scheduler.cancel(timer);
      signal?.removeEventListener('abort', onAbort);
      resolve(result);
    };
    const unknown = (why: string): void => end({ outcome: 'unknown', error: new Error(why) });
    const onAbort = (): void => unknown('aborted');
    const timer = this.#scheduler.after(Math.max(0, deadline) / this.#owner.rate, this.#owner, () =>
      unknown('no answer in time'),
    );
    if (signal?.aborted) {
      unknown('aborted');
      return promise;
    }
    signal?.addEventListener('abort', onAbort);
    const mood = this.#api.mood(this.#member);
    if (mood.down || this.#network.isCut(this.#member, 'api')) return promise;
    const extra = mood.slow * this.#random.next();
    this.#scheduler.after(this.#random.latency(2, 40) + extra, null, () => {
      this.#api.calls += 1;
      const refused = this.#random.chance(mood.refuse);
      const result = refused ? null : effect();
      if (this.#random.chance(mood.loseReply) || this.#network.isCut('api', this.#member)) return;
      this.#scheduler.after(this.#random.latency(1, 40) + extra * this.#random.next(), this.#owner, () => {
        if (result === null) unknown('500 Internal Server Error');
        else end(result);
      });
    });
    return promise;
  }
}
