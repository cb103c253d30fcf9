import { type Address, isSame, type Topology } from './topology.ts';

/** Where the pooler is: its server connections go to `primary`; `held`: clients wait (PAUSE). */
export interface PoolerState {
  readonly primary: Address | null;
  readonly standbys: readonly Address[];
  /** Epoch of the primary that is followed. */
  readonly epoch: number;
  /** Monotonic milliseconds since when clients wait; null: they do not. */
  readonly heldSince: number | null;
  /** Standbys that came, and the monotonic milliseconds since when: each change of the readers' hosts disturbs them. */
  readonly coming: { readonly standbys: readonly Address[]; readonly since: number } | null;
  /** In this epoch a hold came to its bound: it is not tried again before its primary serves, or the next one. */
  readonly gaveUp: number | null;
}

export const START: PoolerState = {
  primary: null,
  standbys: [],
  epoch: 0,
  heldSince: null,
  coming: null,
  gaveUp: null,
};

/** Standbys that came are taken up once no other came for so long, in milliseconds: after a hand-over they come one by one. */
const COME = 1_000;

export type Action = 'write' | 'pause' | 'resume';

export interface Move {
  readonly state: PoolerState;
  /** In this order: databases are written and reloaded before clients go on. */
  readonly actions: readonly Action[];
  readonly reason: string;
}

/**
 * One step. Clients are held from when a planned end of the primary is known, or it says that it leads no longer, until
 * another is open, the end was withdrawn, or the bound is over. Also while it is silent and no standby streams from
 * anybody. A primary that is merely silent holds nobody: the pooler itself may be cut off the agents.
 *
 * @param now monotonic milliseconds
 * @param holdMost the bound in milliseconds
 */
export function decide(before: PoolerState, topology: Topology, now: number, holdMost: number): Move {
  const { leader } = topology;
  const held = before.heldSince !== null;
  if (leader !== null && (leader.epoch > before.epoch || before.primary === null)) {
    const state: PoolerState = {
      primary: leader.address,
      standbys: topology.standbys,
      epoch: leader.epoch,
      heldSince: null,
      coming: null,
      gaveUp: null,
    };
    const actions: Action[] = held ? ['write', 'resume'] : ['write'];
    return { state, actions, reason: `the primary of epoch ${leader.epoch} is open` };
  }
  const current = leader !== null && leader.epoch === before.epoch ? leader : null;
  const moved = current !== null && !isSame(current.address, before.primary);
  const { standbys, coming } = readersOf(before, topology, now, moved);
  const write: Action[] = moved || standbys !== before.standbys ? ['write'] : [];
  const next: PoolerState = {
    ...before,
    primary: current?.address ?? before.primary,
    standbys,
    coming,
    gaveUp: current?.leaving === false ? null : before.gaveUp,
  };
  if (held) {
    if (now - (before.heldSince ?? now) >= holdMost) {
      const state = { ...next, heldSince: null, gaveUp: before.epoch };
      return { state, actions: [...write, 'resume'], reason: 'no other primary came in time' };
    }
    if (current !== null && !current.leaving)
      return {
        state: { ...next, heldSince: null },
        actions: [...write, 'resume'],
        reason: 'the primary stays',
      };
    return { state: next, actions: write, reason: 'waits for the next primary' };
  }
  if (before.gaveUp !== before.epoch && before.primary !== null) {
    if (current?.leaving) return hold(next, write, now, 'the primary is about to hand over');
    if (current === null && topology.notLeading.some((address) => isSame(address, before.primary)))
      return hold(next, write, now, 'the primary leads no longer');
    if (current === null && topology.epoch > before.epoch)
      return hold(next, write, now, 'another member is taking over');
    if (current === null && topology.noneStreams)
      return hold(next, write, now, 'the primary is silent, and nobody streams from it');
  }
  return { state: next, actions: write, reason: write.length > 0 ? 'the standbys changed' : '' };
}

function hold(state: PoolerState, write: readonly Action[], now: number, reason: string): Move {
  return { state: { ...state, heldSince: now }, actions: ['pause', ...write], reason };
}

/** A standby that went is left out at once; one that came has time, and while clients wait nothing is disturbed. */
function readersOf(
  before: PoolerState,
  { standbys }: Topology,
  now: number,
  moved: boolean,
): Pick<PoolerState, 'standbys' | 'coming'> {
  if (moved) return { standbys, coming: null };
  if (before.heldSince !== null || sameAll(standbys, before.standbys))
    return { standbys: before.standbys, coming: null };
  const went = before.standbys.some((known) => !standbys.some((address) => isSame(address, known)));
  if (went) return { standbys, coming: null };
  const { coming } = before;
  if (coming === null || !sameAll(coming.standbys, standbys))
    return { standbys: before.standbys, coming: { standbys, since: now } };
  return now - coming.since < COME ? { standbys: before.standbys, coming } : { standbys, coming: null };
}

function sameAll(a: readonly Address[], b: readonly Address[]): boolean {
  return a.length === b.length && a.every((address, index) => isSame(address, b[index] ?? null));
}
