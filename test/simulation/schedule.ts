import { Random } from './engine/random.ts';
import type { Fault } from './faults/fault.ts';
import { planFaults } from './faults/plan.ts';
import { THEMES } from './faults/themes.ts';
import type { Script } from './scripts/script.ts';
import { SCRIPTS, scriptNamed } from './scripts/scripts.ts';

/** How the cluster of a schedule is set up: plain data, durations in milliseconds. */
export interface Setup {
  /** `acks: 0`: no commit waits; the Lease alone keeps two primaries apart. */
  readonly asynchronous: boolean;
  /** The acknowledgements asked for; null: the default, half of the standbys. */
  readonly acks: number | null;
  readonly leaseDuration: number;
  readonly stopTimeout: number;
  readonly suspectAfter: number;
  readonly staleReadBound: number;
  readonly hungAfter: number;
  readonly dropAfter: number;
  /** The ordinal of a member that may never lead; of one that is preferred. */
  readonly nofailover: number | null;
  readonly preferred: number | null;
}

/** Everything that a run follows from. A file of this is a schedule that outlives changes of the generator. */
export interface Schedule {
  /** Of the chance within the run: latencies, ties, what a crash leaves. */
  readonly seed: number;
  readonly members: number;
  readonly setup: Setup;
  /** Which of the clusters that faultless runs left behind it starts from; null: from empty volumes. */
  readonly start: number | null;
  readonly clients: number;
  /** When the faults cease, in virtual milliseconds. */
  readonly until: number;
  readonly faults: readonly Fault[];
}

/** `dense`: a few seconds, one fault soon after the other. `long`: from empty volumes, minutes included. */
export type Kind = 'dense' | 'long';

/** Those that last take the time of several others: they are followed less often. */
const LASTING = SCRIPTS.filter(({ length, isAskedFor }) => length !== undefined && isAskedFor !== true);
const BRIEF = SCRIPTS.filter(({ length, isAskedFor }) => length === undefined && isAskedFor !== true);

/** How many clusters left behind there are to start from. */
export const STARTS = 4;

export const USUAL: Setup = {
  asynchronous: false,
  acks: null,
  leaseDuration: 5_000,
  stopTimeout: 1_000,
  suspectAfter: 1_000,
  staleReadBound: 3_000,
  hungAfter: 10_000,
  dropAfter: 5_000,
  nofailover: null,
  preferred: null,
};

/**
 * A schedule from nothing but its seed. `following`: the script that all of them follow, by a part of its name. Throws a
 * `RangeError` where there is none, or so few members cannot follow it.
 */
export function scheduleOf(
  seed: number,
  members: number,
  kind: Kind = 'dense',
  following: string | null = null,
): Schedule {
  const random = new Random(seed, `plan ${kind}`);
  const isLong = kind === 'long';
  const script =
    following !== null
      ? required(following, members)
      : !isLong && random.chance(0.25)
        ? scriptFor(random, members)
        : null;
  const theme = script === null && random.chance(0.6) ? random.pick(THEMES) : null;
  const setup = {
    ...setupOf(random, members, isLong, theme?.isAsynchronous ?? (script === null && random.chance(0.1))),
    ...script?.setup,
  };
  const isCold = script?.isCold ?? theme?.isCold ?? random.chance(isLong ? 0.8 : 0.05);
  const begin = isCold ? (random.chance(0.4) ? 0 : random.between(300, 1_500)) : random.between(200, 900);
  const length =
    script?.length ??
    (isLong ? random.between(3_000, 14_000) : random.between(script === null ? 800 : 2_400, 4_200));
  const until = Math.round(begin + length);
  return {
    seed,
    members,
    setup,
    start: isCold ? null : random.whole(0, STARTS - 1),
    clients: random.pick([1, 2, 2]),
    until,
    faults: planFaults(random, { members, begin, end: until, isLong, setup, theme, script }),
  };
}

function required(name: string, members: number): Script {
  const script = scriptNamed(name);
  if (members >= script.least) return script;
  throw new RangeError(`"${script.name}" needs ${script.least} members`);
}

function scriptFor(random: Random, members: number): Script | null {
  const script = random.pick(random.chance(0.3) ? LASTING : BRIEF);
  return members < script.least ? null : script;
}

function setupOf(random: Random, members: number, isLong: boolean, asynchronous: boolean): Setup {
  const leaseDuration = random.pick(isLong ? [5_000, 10_000] : [3_000, 3_000, 5_000, 10_000]);
  const acks = random.chance(0.25) && members > 2 ? random.whole(1, members - 1) : null;
  return {
    asynchronous,
    acks,
    leaseDuration,
    stopTimeout: Math.min(random.pick([500, 1_000, 2_000]), leaseDuration / 5),
    suspectAfter: 1_000,
    staleReadBound: random.pick(isLong ? [3_000] : [1_000, 3_000]),
    hungAfter: random.pick(isLong ? [10_000] : [2_000, 10_000]),
    dropAfter: random.pick(isLong ? [2_500, 5_000, 10_000] : [1_000, 1_500, 5_000]),
    nofailover: random.chance(0.15) && members > 2 ? random.whole(0, members - 1) : null,
    preferred: random.chance(0.2) ? random.whole(0, members - 1) : null,
  };
}
