import { type MemberIncarnation, type MemberName, memberIncarnation } from '../../ha/member.ts';
import type { Floor, Seen } from '../../ha/record.ts';
import { type Epoch, epoch } from '../../ha/units.ts';
import type { Kept } from '../../ha/view.ts';
import { PostgresError } from '../errors.ts';
import { Mutex } from '../mutex.ts';
import type { MemberFacts } from '../ports.ts';
import { makeDirectory } from './durable.ts';
import { type Breaking, type FactFiles, factFiles, type Identity } from './facts.ts';
import { finishInstall, installIncoming } from './install.ts';
import type { VolumePaths } from './paths.ts';

/** The facts as they are on disk; a change is told only when it is durable. */
export class FactStore {
  readonly files: FactFiles;
  readonly #paths: VolumePaths;
  readonly #member: MemberName;
  readonly #mutex = new Mutex();
  #identity: Identity | null = null;
  #floor: Floor | null = null;
  #timelineEpochs: Readonly<Record<number, Epoch>> = {};
  #promise = epoch(0);
  #seen: Seen | null = null;
  #broken = false;
  #kept: Kept | null = null;

  constructor(paths: VolumePaths, member: MemberName) {
    this.#paths = paths;
    this.#member = member;
    this.files = factFiles(paths.facts);
  }

  async load(): Promise<void> {
    await makeDirectory(this.#paths.facts);
    await this.#read();
  }

  async #read(): Promise<void> {
    this.#identity = await this.files.identity.read();
    this.#promise = (await this.files.promise.read())?.epoch ?? epoch(0);
    const floor = await this.files.floor.read();
    this.#floor = floor?.floor ?? null;
    this.#seen = await this.files.seen.read();
    this.#timelineEpochs = floor?.timelineEpochs ?? {};
    this.#broken = (await this.files.breaking.read()) !== null || (await this.files.install.read()) !== null;
    const kept = await this.files.kept.read();
    this.#kept = kept === null ? null : { id: kept.id, phase: kept.phase, generation: kept.generation };
    if (kept?.phase === 'moving' || kept?.phase === 'returning') this.#broken = true;
  }

  get facts(): MemberFacts {
    return {
      clusterUID: this.#identity?.clusterUID ?? null,
      generation: this.#identity?.generation ?? null,
      kept: this.#kept,
      incarnation: this.#identity?.incarnation ?? null,
      floor: this.#floor,
      // With its first epoch it is this cluster's.
      inherited: this.#floor === null ? (this.#identity?.inherited ?? null) : null,
      promise: this.#promise,
      timelineEpochs: this.#timelineEpochs,
    };
  }

  /** The newest cluster record that was written down as seen. */
  get seen(): Seen | null {
    return this.#seen;
  }

  get identity(): Identity | null {
    return this.#identity;
  }

  /** `member-incarnation`; null while there is no data. */
  get memberIdentity(): MemberIncarnation | null {
    return this.#identity === null ? null : memberIncarnation(this.#member, this.#identity.incarnation);
  }

  /** A work that changes `data` was begun and not finished. */
  get broken(): boolean {
    return this.#broken;
  }

  writeFloor(floor: Floor, timelineEpochs: Readonly<Record<number, Epoch>>): Promise<void> {
    return this.#mutex.run(async () => {
      await this.files.floor.write({ floor, timelineEpochs });
      this.#floor = floor;
      this.#timelineEpochs = timelineEpochs;
    });
  }

  writeSeen(seen: Seen): Promise<void> {
    return this.#mutex.run(async () => {
      await this.files.seen.write(seen);
      this.#seen = seen;
    });
  }

  /** A promise is never taken back: a lower one is refused. */
  writePromise(promised: Epoch): Promise<void> {
    return this.#mutex.run(async () => {
      if (promised < this.#promise) {
        throw new PostgresError(
          'WRONG_STATE',
          `a promise of epoch ${promised} would take back that of ${this.#promise}`,
          'The caller asks for a higher epoch.',
        );
      }
      // Durable already.
      if (promised === this.#promise) return;
      await this.files.promise.write({ epoch: promised });
      this.#promise = promised;
    });
  }

  writeClusterUID(clusterUID: string, generation: number): Promise<void> {
    return this.#mutex.run(async () => {
      if (this.#identity === null) {
        throw new PostgresError(
          'WRONG_STATE',
          'there is no data to belong to a cluster',
          'Initialize or clone first.',
        );
      }
      const identity = { ...this.#identity, clusterUID, generation };
      await this.files.identity.write(identity);
      this.#identity = identity;
    });
  }

  /** Durable before the first change to `data` that would leave it neither old nor new. */
  breakBy(breaking: Breaking): Promise<void> {
    return this.#mutex.run(async () => {
      await this.files.breaking.write(breaking);
      this.#broken = true;
    });
  }

  mend(): Promise<void> {
    return this.#mutex.run(async () => {
      await this.files.breaking.remove();
      this.#broken = false;
    });
  }

  /** Puts `incoming` in place: a new incarnation. `inherited`: it was restored, and has this epoch in it. */
  install(systemIdentifier: string, inherited: Epoch | null = null): Promise<void> {
    return this.#mutex.run(async () => {
      this.#identity = await installIncoming(this.#paths, this.files, systemIdentifier, inherited);
      this.#broken = false;
    });
  }

  /** A move of the whole data directory, and of the facts that belong to it: see `set-aside.ts`. */
  move(work: (paths: VolumePaths, files: FactFiles) => Promise<unknown>): Promise<void> {
    return this.#mutex.run(async () => {
      try {
        await work(this.#paths, this.files);
      } finally {
        await this.#read();
      }
    });
  }

  /** Finishes what a crash cut off; nothing may run in `data`. */
  finishInstall(): Promise<void> {
    return this.#mutex.run(async () => {
      const identity = await finishInstall(this.#paths, this.files);
      if (identity === null) return;
      this.#identity = identity;
      this.#broken = (await this.files.breaking.read()) !== null;
    });
  }
}
