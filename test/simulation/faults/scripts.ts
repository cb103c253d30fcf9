import type { Decision } from '../../../src/ha/decision.ts';
import type { Random } from '../engine/random.ts';
import type { FaultKind } from './acts.ts';
import type { Fault } from './fault.ts';

/** A sequence that chance alone would hardly bring about, with chance left in its times. */
export interface Script {
  readonly name: string;
  readonly least: number;
  readonly write: (random: Random, begin: number, members: number) => readonly Fault[];
}

const PRIMARY = -1;
const DECIDER = -2;

function fault(kind: FaultKind, member: number, at: number, duration: number, random: Random): Fault {
  return {
    at: Math.round(at),
    kind,
    member,
    other: 0,
    duration: Math.round(duration),
    amount: random.next(),
  };
}

function after(decision: Decision['kind'], delay: number, what: Fault): Fault {
  return { ...what, on: { decision, delay: Math.round(delay) } };
}

export const SCRIPTS: readonly Script[] = [
  {
    // Its WAL goes on, and may be longer than what the new one and its quorum have.
    name: 'the old primary comes back when the new one dies',
    least: 3,
    write: (random, begin) => {
      const away = random.between(1_200, 2_600);
      const killer = random.pick<FaultKind>(['node off', 'member isolated', 'machine frozen']);
      const delay = random.between(0, 1_300);
      const soon = begin + 800;
      return [
        fault(
          random.pick<FaultKind>(['member isolated', 'member isolated', 'machine frozen']),
          PRIMARY,
          begin,
          away,
          random,
        ),
        after('settle', delay, fault(killer, DECIDER, soon, 4_000, random)),
      ];
    },
  },
  {
    // The record still names what it was before, and the one that could say so is gone.
    name: 'a wiped member is asked before the cohort knows it',
    least: 3,
    write: (random, begin, members) => [
      fault('API cut off', PRIMARY, begin, 4_000, random),
      fault('volume lost', random.whole(0, members - 1), begin + 20, random.between(5, 200), random),
      after(
        random.pick(['start-standby', 'follow', 'open-door']),
        random.between(0, 150),
        fault(
          random.pick<FaultKind>(['node off', 'member isolated', 'pod killed']),
          PRIMARY,
          begin + 400,
          4_000,
          random,
        ),
      ),
    ],
  },
  {
    // Rivals that hear nothing of each other's attempts, and requests that come late.
    name: 'a request for a promise comes again after the next epoch has begun',
    least: 3,
    write: (random, begin, members) => {
      const late = random.whole(0, members - 1);
      return [
        fault('calls repeated', late, begin, 4_000, random),
        fault('API cut off', late, begin + random.between(0, 900), 4_000, random),
        fault(random.pick<FaultKind>(['node off', 'member isolated']), PRIMARY, begin + 100, 4_000, random),
        after(
          'win',
          random.between(0, 200),
          fault('pod killed', DECIDER, begin + 300, random.between(20, 400), random),
        ),
      ];
    },
  },
  {
    // A quorum of one member that hears nothing, and of others that do.
    name: 'one member alone hears no primary',
    least: 3,
    write: (random, begin, members) => {
      const alone = random.whole(0, members - 1);
      return [
        { ...fault('pair cut', alone, begin, 4_000, random), other: PRIMARY },
        fault('watch stale', random.whole(0, members - 1), begin, 2_000, random),
      ];
    },
  },
  {
    // A takeover that comes to nothing, and a primary that lives.
    name: 'a takeover is abandoned after its promises',
    least: 2,
    write: (random, begin, members) => [
      fault(
        random.pick<FaultKind>(['member isolated from members', 'machine frozen', 'Postgres frozen']),
        PRIMARY,
        begin,
        random.between(1_100, 1_800),
        random,
      ),
      after(
        'recruit',
        random.between(0, 90),
        fault(
          random.pick<FaultKind>(['pod killed', 'API cut off', 'agent killed']),
          DECIDER,
          begin + 500,
          random.between(50, 2_000),
          random,
        ),
      ),
      after(
        'recruit',
        random.between(0, 90),
        fault('agent frozen', random.whole(0, members - 1), begin + 500, random.between(50, 800), random),
      ),
    ],
  },
];
