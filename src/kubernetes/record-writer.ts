import type { ClusterRecord, VersionedRecord } from '../ha/record.ts';
import { type Instant, type Millis, millis } from '../ha/units.ts';
import { type Clock, systemClock } from './clock.ts';
import { ApiAbortedError, ApiDeadlineError } from './errors.ts';
import type { ClusterStore, ReadResult, SwapResult } from './ports.ts';

/** What `swap` came to. `declined`: nothing was written; `current` was read directly, for this very question. */
export type WriteResult = SwapResult | { readonly outcome: 'declined'; readonly current: VersionedRecord };

/** The next record, or null to leave this one as it is. Pure: it may be asked twice in one swap. */
export type Mutation = (current: ClusterRecord) => ClusterRecord | null;

/** The last successful write of this process. */
export interface LastWrite {
  readonly current: VersionedRecord;
  readonly sentAt: Instant;
}

/**
 * All writes of this process to the cluster record, one after the other, so that its renewals and its other swaps
 * never conflict with each other. Each is a single compare-and-swap on the version that the last one left, which
 * is what makes it correct; the queue only makes conflicts rare. After anything but a success the version is
 * unknown, and the next write reads the record first.
 */
export class RecordWriter {
  readonly #store: ClusterStore;
  readonly #clock: Clock;
  #tail: Promise<void> = Promise.resolve();
  #known: VersionedRecord | null = null;
  /** Goes up when a write begins and when it ends: a read that overlapped with one is not the newest word. */
  #writes = 0;
  #lastWrite: LastWrite | null = null;

  constructor(store: ClusterStore, clock: Clock = systemClock) {
    this.#store = store;
    this.#clock = clock;
  }

  get lastWrite(): LastWrite | null {
    return this.#lastWrite;
  }

  /** A direct read. It does not wait for writes; what it finds is the base of the next `swap` unless one overlapped. */
  async read(deadline: Millis, signal?: AbortSignal): Promise<ReadResult> {
    const writes = this.#writes;
    const result = await this.#store.read(deadline, signal);
    if (writes === this.#writes && result.outcome !== 'unknown') {
      this.#known = result.outcome === 'found' ? result.current : null;
    }
    return result;
  }

  /** Writes what `mutate` makes of the newest record that this process knows. `deadline` includes the wait in the queue. */
  async swap(mutate: Mutation, deadline: Millis, signal?: AbortSignal): Promise<WriteResult> {
    return await this.#inTurn<WriteResult>(deadline, signal, async (left) => {
      // What we know may be old news: the server notices when it is written over, but a refusal needs a look.
      const quick = this.#known === null ? null : mutate(this.#known.record);
      if (this.#known !== null && quick !== null) {
        return await this.#store.swap(quick, this.#known.resourceVersion, left(), signal);
      }
      const base = await this.#fetch(left(), signal);
      if ('outcome' in base) return base;
      const next = mutate(base.record);
      if (next === null) return { outcome: 'declined', current: base };
      return await this.#store.swap(next, base.resourceVersion, left(), signal);
    });
  }

  /** Writes `next` over exactly this base, e.g. one that a takeover decided on; anything newer is a conflict. */
  async swapFrom(
    base: VersionedRecord,
    next: ClusterRecord,
    deadline: Millis,
    signal?: AbortSignal,
  ): Promise<SwapResult> {
    return await this.#inTurn(deadline, signal, (left) =>
      this.#store.swap(next, base.resourceVersion, left(), signal),
    );
  }

  /** Creates the record; one that exists is a conflict. */
  async create(record: ClusterRecord, deadline: Millis, signal?: AbortSignal): Promise<SwapResult> {
    return await this.#inTurn(deadline, signal, (left) => this.#store.create(record, left(), signal));
  }

  async #fetch(deadline: Millis, signal?: AbortSignal): Promise<VersionedRecord | SwapResult> {
    const result = await this.#store.read(deadline, signal);
    if (result.outcome === 'found') {
      this.#known = result.current;
      return result.current;
    }
    if (result.outcome === 'unreadable') return { outcome: 'unknown', error: result.error };
    return result.outcome === 'absent' ? { outcome: 'conflict' } : result;
  }

  async #inTurn<Result extends WriteResult>(
    deadline: Millis,
    signal: AbortSignal | undefined,
    write: (left: () => Millis) => Promise<Result>,
  ): Promise<Result | Extract<SwapResult, { outcome: 'unknown' }>> {
    const start = this.#clock.now();
    const left = (): Millis => millis(deadline - (this.#clock.now() - start));
    const before = this.#tail;
    const turn = Promise.withResolvers<void>();
    // The next one waits for both: this one may give up its place while the one before still writes.
    this.#tail = Promise.all([before, turn.promise]).then(() => undefined);
    try {
      const refused = await this.#wait(before, deadline, signal);
      if (refused !== null) return { outcome: 'unknown', error: refused };
      return await this.#tracked(() => write(left));
    } finally {
      turn.resolve();
    }
  }

  async #tracked<Result extends WriteResult>(write: () => Promise<Result>): Promise<Result> {
    this.#writes += 1;
    let known: VersionedRecord | null = null;
    try {
      const result: WriteResult = await write();
      if (result.outcome === 'swapped') this.#lastWrite = { current: result.current, sentAt: result.sentAt };
      if (result.outcome === 'swapped' || result.outcome === 'declined') known = result.current;
      return result as Result;
    } finally {
      this.#known = known;
      this.#writes += 1;
    }
  }

  /** Null when it is our turn; else why it never came. Nothing was sent then. */
  async #wait(
    before: Promise<void>,
    deadline: Millis,
    signal: AbortSignal | undefined,
  ): Promise<Error | null> {
    const done = new AbortController();
    const given = signal === undefined ? done.signal : AbortSignal.any([signal, done.signal]);
    const overdue = this.#clock.sleep(deadline, given).then(() => 'gone' as const);
    const outcome = await Promise.race([before.then(() => 'turn' as const), overdue]);
    done.abort();
    if (signal?.aborted) return new ApiAbortedError('update of the cluster record');
    return outcome === 'turn'
      ? null
      : new ApiDeadlineError('update of the cluster record (queued)', deadline);
  }
}
