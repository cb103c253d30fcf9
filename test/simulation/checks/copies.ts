import { memberOf } from '../../../src/ha/member.ts';
import type { Volume } from '../world/volume.ts';
import { holds, type Wal, type WalRecord } from '../world/wal.ts';
import type { World } from '../world/world.ts';

/** Who has what on disk: members as they are, and incarnations that are no more as they were at their end. */
export class Copies {
  readonly #world: World;
  readonly #gone = new Map<string, Wal>();

  constructor(world: World) {
    this.#world = world;
  }

  /** A volume is lost, or its data replaced by a clone: that incarnation is nobody any more. */
  ended(volume: Volume): void {
    if (volume.identity !== null && volume.wal !== null) this.#gone.set(volume.identity, volume.wal.slice());
  }

  /** What was set aside is back. */
  returned(volume: Volume): void {
    if (volume.identity !== null) this.#gone.delete(volume.identity);
  }

  has(identity: string, record: WalRecord): boolean {
    const gone = this.#gone.get(identity);
    if (gone !== undefined) return holds(gone, record);
    const { volume, server } = this.#world.machine(memberOf(identity as never));
    if (volume.identity !== identity) return false;
    if (server === null) return volume.wal !== null && holds(volume.wal, record);
    return record.index < server.flushed && holds(server.wal, record);
  }

  /** The WAL of an incarnation, of its end where it is no more. */
  walOf(identity: string): Wal | null {
    const { volume, server } = this.#world.machine(memberOf(identity as never));
    if (volume.identity === identity) return server?.wal ?? volume.wal;
    return this.#gone.get(identity) ?? null;
  }

  count(identities: readonly string[], record: WalRecord): number {
    return identities.filter((identity) => this.has(identity, record)).length;
  }
}
