import type { ClusterRecord, VersionedRecord } from '../ha/record.ts';
import { type Epoch, type Instant, instant, type Millis, millis } from '../ha/units.ts';
import { type Clock, systemClock } from './clock.ts';
import { ApiAbortedError } from './errors.ts';
import type { Logger } from './log.ts';
import type { RecordWriter, WriteResult } from './record-writer.ts';
import { Wakeup } from './wakeup.ts';

/** "Renew the record as long as it says this": given by the loop, taken back before a demotion begins. */
export interface Permission {
  /** Whose Lease it is: `pod/podUID/bootNonce`. */
  readonly holder: string;
  readonly epoch: Epoch;
  /** Renewed so often. */
  readonly interval: Millis;
  /** What a renewal brings up to date, e.g. the flush LSN; holder, epoch and primary stay. Pure and quick. */
  readonly refresh?: (current: ClusterRecord) => ClusterRecord;
}

export interface LeaseKeeperOptions {
  /** Its store has a client of its own: nothing else may hold up a renewal. */
  readonly writer: RecordWriter;
  readonly log: Logger;
  readonly clock?: Clock;
  /** A renewal succeeded under a permission that still stands. */
  readonly onRenewed: (current: VersionedRecord, sentAt: Instant) => void;
  /** The record is gone, or says another holder or epoch: the permission is void, the loop must look. */
  readonly onConflict: () => void;
}

/**
 * Renews the cluster record on its own timer, as often as it is permitted, while it is permitted to. It
 * decides nothing: a renewal only ever keeps what the record says, and an outcome that comes after `revoke` is
 * dropped. (The deadline that follows from a renewal is a rule of src/ha.)
 */
export class LeaseKeeper {
  readonly #writer: RecordWriter;
  readonly #log: Logger;
  readonly #clock: Clock;
  readonly #onRenewed: LeaseKeeperOptions['onRenewed'];
  readonly #onConflict: LeaseKeeperOptions['onConflict'];
  readonly #wakeup = new Wakeup();
  #permission: Permission | null = null;
  /** Under which permission the record was found to be another's, and when. */
  #lost: { readonly holder: string; readonly epoch: Epoch; readonly at: Instant } | null = null;
  /** Ends the renewal in flight; a new one for each new permission. */
  #term = new AbortController();

  constructor(options: LeaseKeeperOptions) {
    this.#writer = options.writer;
    this.#log = options.log;
    this.#clock = options.clock ?? systemClock;
    this.#onRenewed = options.onRenewed;
    this.#onConflict = options.onConflict;
  }

  get isPermitted(): boolean {
    return this.#permission !== null;
  }

  /** Permits renewals. For the holder and epoch that are permitted already, only the rest is replaced. */
  permit(permission: Permission): void {
    const previous = this.#permission;
    if (previous?.holder !== permission.holder || previous.epoch !== permission.epoch) {
      this.revoke();
      this.#wakeup.wake();
    } else if (previous.interval !== permission.interval) {
      this.#wakeup.wake();
    }
    this.#permission = permission;
  }

  /** From its return on nothing is renewed: what is in flight is cut, and its outcome is dropped. */
  revoke(): void {
    this.#permission = null;
    this.#term.abort();
    this.#term = new AbortController();
  }

  /** Renews while permitted, until `signal` aborts. */
  async run(signal: AbortSignal): Promise<void> {
    let retryAt: Instant | null = null;
    try {
      while (!signal.aborted) {
        const permission = this.#permission;
        const wait =
          permission === null ? null : millis(this.#dueAt(permission, retryAt) - this.#clock.now());
        if (permission === null || (wait !== null && wait > 0)) {
          // A new permission starts afresh: pauses after failures belong to the one before.
          if (await this.#wakeup.sleep(wait, signal)) retryAt = null;
          continue;
        }
        const start = this.#clock.now();
        const renewed = await this.#renew(permission, signal);
        retryAt = renewed ? null : instant(start + permission.interval / 3);
      }
    } finally {
      this.revoke();
    }
  }

  /** The last write of this process under this very permission counts: a swap of the loop renews as well. */
  #dueAt(permission: Permission, retryAt: Instant | null): number {
    if (retryAt !== null) return retryAt;
    // Whoever permits the same again has not seen yet what was found: it is not asked for at once, again and again.
    const lost = this.#lost;
    if (lost !== null && lost.holder === permission.holder && lost.epoch === permission.epoch)
      return lost.at + permission.interval / 3;
    const last = this.#writer.lastWrite;
    if (last === null || !isHeldBy(last.current.record, permission.holder, permission.epoch)) {
      return Number.NEGATIVE_INFINITY;
    }
    return last.sentAt + permission.interval;
  }

  /** One renewal. True: the next is due an interval later; false: try again soon, if still permitted. */
  async #renew(permission: Permission, signal: AbortSignal): Promise<boolean> {
    const { epoch } = permission;
    const term = this.#term;
    const given = AbortSignal.any([signal, term.signal]);
    let result = await this.#write(permission, given);
    // Somebody may have changed the record without taking it over (a pause, a fence): look once, keep what they wrote.
    if (result.outcome === 'conflict' && !given.aborted) result = await this.#write(permission, given);
    // Nothing below may run for a permission that was taken back: no await between this line and the end.
    if (given.aborted) return false;
    switch (result.outcome) {
      case 'swapped':
        this.#lost = null;
        this.#onRenewed(result.current, result.sentAt);
        return true;
      case 'unknown':
        this.#log.warn(
          { event: 'lease.renewal.failed', epoch, err: result.error },
          `The lease was not renewed: ${result.error.message}`,
        );
        return false;
      case 'conflict':
      case 'declined':
        this.#log.warn({ event: 'lease.lost', epoch }, 'The cluster record no longer names this holder');
        this.revoke();
        this.#lost = { holder: permission.holder, epoch, at: this.#clock.now() };
        this.#onConflict();
        return false;
    }
  }

  async #write(permission: Permission, signal: AbortSignal): Promise<WriteResult> {
    const deadline = millis(permission.interval / 2);
    try {
      return await this.#writer.swap((current) => this.#renewal(current, permission), deadline, signal);
    } catch (error) {
      // A fault of this program must not end renewals for good: the primary would be stopped for it.
      return { outcome: 'unknown', error: error instanceof Error ? error : new Error(String(error)) };
    }
  }

  #renewal(current: ClusterRecord, { holder, epoch }: Permission): ClusterRecord | null {
    const permission = this.#permission;
    // Revoked while it was queued: nothing was sent, and nothing may be.
    if (permission?.holder !== holder || permission.epoch !== epoch) {
      throw new ApiAbortedError('renewal of the lease');
    }
    if (!isHeldBy(current, holder, epoch)) return null;
    const next = permission.refresh?.(current) ?? current;
    return { ...next, holder, epoch, primary: current.primary };
  }
}

function isHeldBy(record: ClusterRecord, holder: string, epoch: Epoch): boolean {
  return record.holder === holder && record.epoch === epoch;
}
