import type { Incarnation, MemberIncarnation, MemberName } from '../../../src/ha/member.ts';
import { memberIncarnation } from '../../../src/ha/member.ts';
import type { TimelineFork } from '../../../src/ha/peer.ts';
import type { Floor } from '../../../src/ha/record.ts';
import type { Epoch } from '../../../src/ha/units.ts';
import type { ControlFile, Kept } from '../../../src/ha/view.ts';
import type { Wal } from './wal.ts';

/** A member's volume: what outlives every process. Only what was synced is in here. */
export class Volume {
  readonly member: MemberName;
  /** Null: no data directory. */
  wal: Wal | null = null;
  systemIdentifier = '';
  incarnation: Incarnation | null = null;
  clusterUID: string | null = null;
  /** The life of that cluster. */
  generation = 1;
  /** It was restored: the highest epoch in it. */
  inherited: Epoch | null = null;
  kept: Kept | null = null;
  /** What a recovery in place set aside; null: nothing. */
  keptData: Volume | null = null;
  floor: Floor | null = null;
  promise = 0;
  timelineEpochs: Readonly<Record<number, Epoch>> = {};
  /** A rewind was begun and not finished. */
  broken = false;
  controlState: ControlFile['state'] = 'shut down';
  /** How many records the last checkpoint covers, and how far replay had got. */
  checkpoint = 0;
  checkpointTimeline = 1;
  minRecovery = 0;
  shutdownEnd: number | null = null;
  /** A timeline whose first segment is here though none of its records is yet. */
  reached: { readonly timeline: number; readonly forks: readonly TimelineFork[] } | null = null;
  /** Timelines with a history file here. */
  histories = new Set<number>([1]);
  /** Bookkeeping of the checks: the promise that was told, until a record that reaches it is followed. */
  sealedAt: number | null = null;
  /** Bookkeeping of the checks: what copies that are lost had promised. They acknowledge nothing more. */
  readonly lost = new Map<MemberIncarnation, number>();

  constructor(member: MemberName) {
    this.member = member;
  }

  get identity(): MemberIncarnation | null {
    return this.incarnation === null ? null : memberIncarnation(this.member, this.incarnation);
  }

  /** As src/postgres/volume/fact-store.ts: a promise is never taken back. */
  requireHigher(promised: number): void {
    if (promised < this.promise) throw new Error(`a promise of ${promised} would take back ${this.promise}`);
  }

  /** As src/postgres/volume/set-aside.ts: the promise stays. */
  setAside(id: string, generation: number): void {
    const kept = new Volume(this.member);
    kept.copy(this);
    const { promise, lost } = this;
    this.wipe();
    this.promise = promise;
    this.keptData = kept.wal === null ? null : kept;
    for (const [identity, of] of lost) this.lost.set(identity, of);
    this.kept = { id, phase: 'aside', generation: this.keptData?.generation ?? generation };
  }

  /** The reverse: what is in its place goes. */
  bringBack(operation: {
    readonly id: string;
    readonly generation: number;
    readonly inPlace: boolean;
  }): void {
    const { id, generation, inPlace } = operation;
    if (this.kept?.id === id && this.kept.phase === 'back') return;
    const { promise, lost, keptData } = this;
    const of = this.kept?.generation ?? generation - 1;
    if (!inPlace) {
      if (keptData === null) this.wipe();
      else this.copy(keptData);
    }
    this.promise = promise;
    for (const [identity, promised] of lost) this.lost.set(identity, promised);
    this.generation = generation;
    this.keptData = null;
    this.kept = { id, phase: 'back', generation: of };
  }

  /** The same content as another's. */
  copy(other: Volume): void {
    Object.assign(this, other, {
      wal: other.wal === null ? null : other.wal.slice(),
      histories: new Set(other.histories),
      lost: new Map(other.lost),
    });
  }

  /** The volume is lost: a new, empty one. */
  wipe(): void {
    if (this.identity !== null) this.lost.set(this.identity, this.promise);
    this.wal = null;
    this.systemIdentifier = '';
    this.incarnation = null;
    this.clusterUID = null;
    this.inherited = null;
    this.kept = null;
    this.keptData = null;
    this.floor = null;
    this.promise = 0;
    this.timelineEpochs = {};
    this.broken = false;
    this.reached = null;
    this.histories = new Set([1]);
    this.sealedAt = null;
  }
}
