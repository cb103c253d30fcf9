import { ageOf, isNewer, standingOf } from '../ha/floor.ts';
import type { ClusterRecord, Seen, VersionedRecord } from '../ha/record.ts';
import type { Instant } from '../ha/units.ts';
import type { LocalView, RecordView } from '../ha/view.ts';
import type { ReadResult } from '../kubernetes/ports.ts';

/**
 * What this process knows of the cluster record, from watches, direct reads and its own swaps. Watches may be
 * stale or out of order: an event that is older than what is known only asks for a direct read.
 */
export class RecordTracker {
  readonly #now: () => Instant;
  readonly #onChange: () => void;
  #current: VersionedRecord | null = null;
  #known = false;
  #changedAt: Instant | null = null;
  #epochSeenAt: Instant | null = null;
  #readAt: Instant | null = null;
  #absentSince: Instant | null = null;
  #unreadable: string | null = null;
  #lastValid: ClusterRecord | null = null;
  #seen: Seen | null = null;
  #told: { readonly seen: Seen; readonly at: Instant } | null = null;
  #apiReachable = false;
  #doubt = false;

  constructor(now: () => Instant, onChange: () => void) {
    this.#now = now;
    this.#onChange = onChange;
  }

  /** A watch contradicts what is known: a direct read must tell. */
  get inDoubt(): boolean {
    return this.#doubt;
  }

  get apiReachable(): boolean {
    return this.#apiReachable;
  }

  get current(): VersionedRecord | null {
    return this.#current;
  }

  /** What an earlier process of this member saw. */
  recall(seen: Seen | null): void {
    if (this.#seen === null) this.#seen = seen;
  }

  onWatch(seen: VersionedRecord | null): void {
    if (seen === null) {
      // A deletion, or a list without the record: it must be confirmed by a direct read.
      this.#doubt = true;
      this.#onChange();
      return;
    }
    if (this.#current !== null && isOlder(seen, this.#current)) {
      this.#doubt = true;
      this.#onChange();
      return;
    }
    this.#take(seen);
  }

  onRead(result: ReadResult): void {
    switch (result.outcome) {
      case 'unknown':
        return;
      case 'absent':
      case 'unreadable': {
        this.#doubt = false;
        this.#readAt = result.sentAt;
        this.#known = true;
        if (this.#current !== null || this.#absentSince === null) this.#absentSince = this.#now();
        const unreadable = result.outcome === 'unreadable' ? result.resourceVersion : null;
        const isNews = this.#current !== null || this.#unreadable !== unreadable;
        this.#current = null;
        this.#unreadable = unreadable;
        if (isNews) this.#onChange();
        return;
      }
      case 'found':
        this.#doubt = false;
        this.#readAt = result.sentAt;
        this.#take(result.current);
    }
  }

  /** What this process wrote. A watch may have shown what somebody made of it before the answer came. */
  onSwapped(current: VersionedRecord): void {
    if (this.#current !== null && isOlder(current, this.#current)) this.#doubt = true;
    else this.#take(current);
  }

  /** A write found another record than is known: a direct read must tell. */
  onContradicted(): void {
    this.#doubt = true;
  }

  /**
   * A peer of this cluster saw a record. A newer one than this process saw must be found by a direct read from now on;
   * where it is not, the record went backwards.
   */
  onTold(told: Seen): void {
    if (!isNewer(told, this.#seen) || !isNewer(told, this.#told?.seen ?? null)) return;
    this.#told = { seen: told, at: this.#now() };
    this.#doubt = true;
  }

  onReachable(reachable: boolean): void {
    if (reachable === this.#apiReachable) return;
    this.#apiReachable = reachable;
    this.#onChange();
  }

  view(local: LocalView): RecordView {
    const record = this.#current?.record ?? null;
    if (record !== null && standingOf(record, local, this.#seen).kind === 'valid') this.#lastValid = record;
    return {
      current: this.#current,
      known: this.#known,
      changedAt: this.#changedAt,
      epochSeenAt: this.#epochSeenAt,
      readAt: this.#readAt,
      absentSince: this.#absentSince,
      unreadable: this.#unreadable,
      lastValid: this.#lastValid,
      seen: this.#seen,
      told: this.#confirmed(),
      apiReachable: this.#apiReachable,
    };
  }

  #confirmed(): Seen | null {
    const told = this.#told;
    if (told === null || this.#readAt === null || this.#readAt < told.at) return null;
    return isNewer(told.seen, this.#seen) ? told.seen : null;
  }

  #take(seen: VersionedRecord): void {
    this.#known = true;
    this.#absentSince = null;
    this.#unreadable = null;
    const age = ageOf(seen.record);
    // Another cluster's ages say nothing of this one's.
    if (this.#seen?.clusterUID !== age.clusterUID || isNewer(age, this.#seen)) this.#seen = age;
    if (this.#current?.resourceVersion === seen.resourceVersion) return;
    const now = this.#now();
    if (this.#current?.record.epoch !== seen.record.epoch) this.#epochSeenAt = now;
    this.#current = seen;
    this.#changedAt = now;
    this.#onChange();
  }
}

/**
 * Versions of one object are compared only to tell a late event from a new one; where they are not numbers, or the
 * store was restored, a direct read decides.
 */
function isOlder(a: VersionedRecord, b: VersionedRecord): boolean {
  const [left, right] = [Number(a.resourceVersion), Number(b.resourceVersion)];
  return Number.isFinite(left) && Number.isFinite(right) && left < right;
}
