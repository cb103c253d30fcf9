import type { ClusterRecord } from '../../../src/ha/record.ts';
import type { Wal } from '../world/wal.ts';
import type { World } from '../world/world.ts';
import type { Acknowledged } from './checks.ts';

type Fail = (rule: string, what: string) => void;

/** What becomes of the acknowledged commits when the cluster goes back, and when it returns. */
export interface LifeChanges {
  /** Gives what was acknowledged until then. */
  begins(wal: Wal): readonly Acknowledged[];
  returns(acknowledged: readonly Acknowledged[]): void;
}

/** A recovery in place: nobody runs while the cluster changes from one life to the next, and nothing of one counts in another. */
export class Lives {
  readonly #world: World;
  readonly #fail: Fail;
  readonly #changes: LifeChanges;
  /** The identities that any life but the present one had. */
  readonly #strangers = new Set<string>();
  #before: readonly Acknowledged[] = [];
  /** The identities of the life that was set aside. */
  #aside: readonly string[] = [];

  constructor(world: World, fail: Fail, changes: LifeChanges) {
    this.#world = world;
    this.#fail = fail;
    this.#changes = changes;
  }

  onRecord(record: ClusterRecord, before: ClusterRecord): void {
    if (record.generation < before.generation)
      this.#fail('lives only go up', `life ${record.generation} after ${before.generation}`);
    if (record.generation > before.generation) {
      this.#requireNobodyRuns(record);
      if (record.recovery === undefined) this.#returns(before);
      else this.#begins(record, before);
    }
    for (const identity of [...record.settled.cohort, ...(record.primary === null ? [] : [record.primary])]) {
      if (!this.#strangers.has(identity)) continue;
      this.#fail(
        'nobody of another life is in the cohort',
        `${identity} in epoch ${record.epoch} of life ${record.generation}`,
      );
    }
  }

  #begins(record: ClusterRecord, before: ClusterRecord): void {
    const wal = this.#world.archives.get(record.recovery?.id ?? '') ?? [];
    this.#world.coverage.count('recoveries in place');
    for (const { name, volume } of this.#world.machines) {
      if (volume.wal === null) continue;
      this.#fail('everybody sets its data aside', `${name} has data when life ${record.generation} begins`);
    }
    this.#before = this.#changes.begins(wal);
    this.#aside = this.#world.machines.flatMap(({ volume }) => volume.keptData?.identity ?? []);
    for (const identity of [...this.#aside, ...before.settled.cohort]) this.#strangers.add(identity);
  }

  #returns(before: ClusterRecord): void {
    this.#world.coverage.count('recoveries abandoned');
    for (const { volume, name } of this.#world.machines) {
      if (volume.kept?.phase === 'back') continue;
      this.#fail('everybody has its data back', `${name} has not, when life ${before.generation} ends`);
    }
    if (before.recovery !== undefined && before.generation === before.recovery.before.generation) return;
    for (const identity of [...this.#aside, ...before.recovery!.before.settled.cohort])
      this.#strangers.delete(identity);
    for (const identity of before.settled.cohort) this.#strangers.add(identity);
    if (before.primary !== null) this.#strangers.add(before.primary);
    this.#changes.returns(this.#before);
  }

  #requireNobodyRuns(record: ClusterRecord): void {
    for (const { name, server } of this.#world.machines) {
      if (server === null) continue;
      this.#fail('nobody runs between two lives', `${name} runs when life ${record.generation} begins`);
    }
  }
}
