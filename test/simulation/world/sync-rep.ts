import type { Process } from '../engine/scheduler.ts';
import type { SimServer } from './server.ts';
import type { WalRecord } from './wal.ts';

/** What a process of Postgres read in `synchronous_standby_names`. */
export interface SyncConfig {
  readonly acks: number;
  readonly names: readonly string[];
}

export function parseNames(text: string): SyncConfig | null {
  if (text === '') return null;
  const match = /^ANY (\d+) \((.*)\)$/.exec(text);
  if (match === null) return null;
  return {
    acks: Number(match[1]),
    names: (match[2] ?? '').split(',').map((name) => name.trim().replaceAll('"', '')),
  };
}

/** A walsender: its slot in shared memory, and its own reading of the setting. */
export interface SimWalsender {
  readonly pid: number;
  readonly identity: string;
  streaming: boolean;
  alive: boolean;
  /** How many records were sent. */
  sent: number;
  /** Byte positions that the other side reported. */
  flush: number | null;
  replay: number;
  replies: number;
  config: SyncConfig | null;
  /** `sync_standby_priority` is not 0, as of its own last reading. */
  counted: boolean;
  lastReplyAt: number;
  /** A signal to read the setting again, not yet seen. */
  reloadPending: boolean;
  /** The end of what it had sent when the signal came. */
  sentBeforeReload: number;
  /** Until then it is held up, and reads no replies. */
  busyUntil: number;
  close(): void;
}

export interface Waiter {
  readonly record: WalRecord;
  readonly session: Process;
  /** `cancelled`: nobody confirmed; the client is warned, and the commit is visible all the same. */
  readonly released: (cancelled: boolean) => void;
}

/**
 * syncrep.c: who waits, and who is released. A commit waits if the flag in shared memory says that standbys are
 * defined (which the checkpointer sets, in its own time, SyncRepUpdateSyncStandbysDefined); each walsender, on a reply,
 * releases by its *own* reading of the setting over the slots of all (SyncRepReleaseWaiters, SyncRepGetSyncRecPtr).
 */
export class SyncRep {
  defined = false;
  readonly #server: SimServer;
  #waiters: Waiter[] = [];
  /** WalSndCtl->lsn: everything up to here counts as confirmed. */
  #confirmed = 0;

  constructor(server: SimServer) {
    this.#server = server;
  }

  get waiting(): number {
    return this.#waiters.length;
  }

  wait(waiter: Waiter): void {
    if (!this.defined || waiter.record.end <= this.#confirmed) {
      waiter.released(false);
      return;
    }
    this.#waiters.push(waiter);
  }

  /** The checkpointer takes the setting up: where it became empty, everybody is let go. */
  define(defined: boolean): void {
    this.defined = defined;
    if (defined) return;
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const waiter of waiters) waiter.released(false);
  }

  /** SyncRepWaitForLSN, QueryCancelPending: "canceling wait for synchronous replication due to user request". */
  cancel(): void {
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const waiter of waiters) waiter.released(true);
  }

  /** Backends that were ended wait no more, and nobody is told. */
  forget(session: Process): void {
    this.#waiters = this.#waiters.filter((waiter) => waiter.session !== session);
  }

  release(walsender: SimWalsender): void {
    const { config } = walsender;
    if (!walsender.counted || !walsender.streaming || walsender.flush === null || config === null) return;
    const flushes: number[] = [];
    for (const other of this.#server.walsenders) {
      if (other.alive && other.streaming && other.counted && other.flush !== null) flushes.push(other.flush);
    }
    if (flushes.length < config.acks) return;
    flushes.sort((a, b) => b - a);
    const position = flushes[config.acks - 1] as number;
    if (position <= this.#confirmed) return;
    this.#confirmed = position;
    const released = this.#waiters.filter((waiter) => waiter.record.end <= position);
    if (released.length === 0) return;
    this.#waiters = this.#waiters.filter((waiter) => waiter.record.end > position);
    for (const waiter of released) waiter.released(false);
  }
}
