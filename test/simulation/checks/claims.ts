import { memberOf } from '../../../src/ha/member.ts';
import type { ClusterRecord } from '../../../src/ha/record.ts';
import type { SimServer } from '../world/server.ts';
import type { WalRecord } from '../world/wal.ts';
import type { World } from '../world/world.ts';
import type { Copies } from './copies.ts';

/** A primary sees a reply so late, at most, in milliseconds. */
const LOOKED_AT = 600;

type Fail = (rule: string, what: string) => void;

/**
 * "Publishing must never claim more safety than Postgres gives": at every acknowledgement and at every publication, `k`
 * of the published cohort have what was acknowledged on disk. A takeover by `n - k + 1` of them then meets one that has.
 */
export class Claims {
  readonly #world: World;
  readonly #copies: Copies;
  readonly #fail: Fail;
  /** The last commit that the primary of a timeline acknowledged: who has it has those before it. */
  readonly #last = new Map<number, { readonly record: WalRecord; readonly by: string }>();

  constructor(world: World, copies: Copies, fail: Fail) {
    this.#world = world;
    this.#copies = copies;
    this.#fail = fail;
  }

  onAcknowledged(server: SimServer, record: WalRecord): void {
    const before = this.#last.get(record.timeline);
    if (before === undefined || before.record.index < record.index) {
      this.#last.set(record.timeline, { record, by: server.identity });
    }
    const current = this.#world.api.current?.record ?? null;
    if (current !== null) this.#require(current, record, server.identity, 'is acknowledged');
  }

  onRecord(record: ClusterRecord, before: ClusterRecord | null): void {
    const { settled } = record;
    const last = this.#last.get(settled.timeline);
    if (last !== undefined)
      this.#require(record, last.record, last.by, 'was acknowledged before it was published');
    if (before !== null && settled.epoch === before.settled.epoch) this.#requireDeadFirst(record, before);
    if (before !== null && settled.epoch > before.settled.epoch && settled.epoch === record.epoch) {
      this.#requireRow(record);
    }
  }

  #require(current: ClusterRecord, record: WalRecord, by: string, when: string): void {
    const { settled } = current;
    if (settled.acks === 0 || settled.primary !== by || settled.timeline !== record.timeline) return;
    const have = this.#copies.count(settled.cohort, record);
    if (have >= settled.acks) return;
    this.#fail(
      'what is published claims no more than Postgres gives',
      `${record.note} of ${by} ${when}: ${have} of ANY ${settled.acks} (${settled.cohort.join(', ')}) have it`,
    );
  }

  /**
   * "Dead incarnations are removed first": one gives no promise, and must not swell the number that a takeover needs while
   * others that reply are enough for the acknowledgements.
   */
  #requireDeadFirst({ settled, primary }: ClusterRecord, before: ClusterRecord): void {
    const was = before.settled.cohort;
    for (const added of settled.cohort) {
      if (was.includes(added)) continue;
      const dead = settled.cohort.find((other) => other !== added && memberOf(other) === memberOf(added));
      if (dead === undefined || this.#heard(primary, was, dead) < before.settled.acks) continue;
      this.#fail(
        'dead incarnations go first',
        `${primary} adds ${added} to a cohort that still has ${dead}: ${settled.cohort.join(', ')}`,
      );
      return;
    }
  }

  /** How many of a cohort, but one, reply to its primary, and did so lately that it drops them by no means. */
  #heard(primary: string | null, cohort: readonly string[], but: string): number {
    const { server } = this.#world.machine(memberOf(primary as never));
    const { scheduler, settings } = this.#world;
    // The last reply of a connection that is gone came to nobody's notice; who ends is counted on no more.
    const isHeard = (other: string) =>
      this.#world.machine(memberOf(other as never)).agent?.view?.wishes.shutdown !== true &&
      [...(server?.walsenders ?? [])].some(({ identity }) => identity === other) &&
      (server?.heardAt.get(other) ?? 0) > scheduler.now - (settings.dropAfter - LOOKED_AT) &&
      (server?.heardSince.get(other) ?? scheduler.now) < scheduler.now - LOOKED_AT;
    return cohort.filter((other) => other !== but && isHeard(other)).length;
  }

  /** An epoch is settled when `k` of its cohort have its row. */
  #requireRow({ settled }: ClusterRecord): void {
    if (settled.acks === 0 || settled.primary === null) return;
    const row = this.#copies
      .walOf(settled.primary)
      ?.findLast(
        (record) =>
          record.row !== null && record.row.epoch === settled.epoch && record.row.primary === settled.primary,
      );
    const have = row === undefined ? 0 : this.#copies.count(settled.cohort, row);
    if (have >= settled.acks) return;
    this.#fail(
      'an epoch is settled once its cohort has its row',
      `epoch ${settled.epoch} of ${settled.primary}: ${have} of ANY ${settled.acks} (${settled.cohort.join(', ')}) have its row`,
    );
  }
}
