import type { MemberRecord, VersionedRecord } from '../../../src/ha/record.ts';
import type { Checks } from '../checks/checks.ts';
import type { Volume } from './volume.ts';
import type { World } from './world.ts';

/** Volumes, Leases and what the checks know of them: what a cluster without power consists of. */
export class Remains {
  readonly #volumes: readonly Volume[];
  readonly #record: VersionedRecord;
  readonly #members: readonly MemberRecord[];
  readonly #checks: Checks;

  constructor(world: World) {
    const { current } = world.api;
    if (current === null) throw new Error('a cluster without a record');
    this.#volumes = world.machines.map((machine) => machine.volume);
    this.#record = current;
    this.#members = [...world.api.members.values()];
    this.#checks = world.checks;
  }

  /** Into a world that has not begun. */
  put(world: World): void {
    for (const [index, machine] of world.machines.entries()) {
      machine.volume.copy(this.#volumes[index] as Volume);
    }
    world.api.restore(this.#record, this.#members);
    world.checks.inherit(this.#checks);
  }
}
