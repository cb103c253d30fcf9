import { memberOf } from '../../../src/ha/member.ts';
import type { ClusterRecord } from '../../../src/ha/record.ts';
import type { World } from '../world/world.ts';

type Fail = (rule: string, what: string) => void;

/** A reply takes its time, and so does the swap, in milliseconds. */
const SLACK = 4_000;

/** A record that was lost or set back is written anew: by a primary that is not alone, or by the word of everybody. */
export class Repairs {
  readonly #world: World;
  readonly #fail: Fail;

  constructor(world: World, fail: Fail) {
    this.#world = world;
    this.#fail = fail;
  }

  /**
   * A record below a member's floor, or older than it, is obeyed by nobody: no epoch is won on it. What a repair writes
   * has a revision of its own.
   */
  onWon(record: ClusterRecord, before: ClusterRecord | null): void {
    if (before === null || record.primary === null || record.revision !== before.revision) return;
    const { identity, floor } = this.#world.machine(memberOf(record.primary)).volume;
    if (floor === null || identity !== record.primary || record.epoch <= floor.epoch) return;
    const isOlder =
      before.epoch < floor.epoch || (before.epoch === floor.epoch && before.revision < floor.revision);
    if (!isOlder) return;
    this.#fail(
      'a record below a floor is obeyed by nobody',
      `${record.primary} wins epoch ${record.epoch} on epoch ${before.epoch}, revision ${before.revision}; it knew epoch ${floor.epoch}, revision ${floor.revision}`,
    );
  }

  onRecord(record: ClusterRecord, before: ClusterRecord | null, highestEpoch: number): void {
    if (record.primary === null || record.holder === '') return;
    // Its winner holds everything, and may begin again alone.
    const isAgain = before?.settled.primary === null && before.primary === record.primary;
    if (record.epoch > highestEpoch && record.settled.primary === null && record.epoch > 1) {
      if (!isAgain) this.#requireAll(record);
    } else if (
      record.epoch <= highestEpoch &&
      record.settled.acks > 0 &&
      record.epoch === record.settled.epoch
    )
      this.#requireQuorum(record);
  }

  #requireAll(record: ClusterRecord): void {
    for (const { volume, name } of this.#world.machines) {
      if (volume.promise >= record.epoch) continue;
      this.#fail(
        'a record is rebuilt by the promise of everybody',
        `${record.primary} rebuilds it with epoch ${record.epoch}, ${name} promised ${volume.promise}`,
      );
      return;
    }
  }

  /** `k` of the cohort replied a moment ago: nobody else can have been recruited. */
  #requireQuorum({ settled, primary }: ClusterRecord): void {
    const { server } = this.#world.machine(memberOf(primary ?? ('' as never)));
    if (server === null || server.identity !== primary || server.inRecovery) return;
    const { now } = this.#world.scheduler;
    const bound = this.#world.settings.staleReadBound + SLACK;
    const heard = settled.cohort.filter(
      (identity) => now - (server.heardAt.get(identity) ?? -bound) < bound,
    ).length;
    if (heard >= settled.acks) return;
    this.#fail(
      'a primary repairs the record while a quorum replies',
      `${primary} writes epoch ${settled.epoch}, and ${heard} of ANY ${settled.acks} (${settled.cohort.join(', ')}) replied lately`,
    );
  }
}
