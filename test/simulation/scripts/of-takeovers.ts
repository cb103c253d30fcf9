import type { FaultKind } from '../faults/acts.ts';
import { after, DECIDER, everybody, fault, PRIMARY, type Script } from './script.ts';

/** Takeovers that meet another takeover, a member that knows more, or one that does not know what it did. */
export const OF_TAKEOVERS: readonly Script[] = [
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
        fault('pair cut', alone, begin, 4_000, random, { other: PRIMARY }),
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
  {
    // What was told before it was on disk is not there after the crash that follows.
    name: 'disks are slow when promises are given',
    least: 2,
    length: 5_000,
    write: (random, begin, members) => [
      ...everybody(members, (ordinal) =>
        fault('disk slow', ordinal, begin, 4_000, random, { amount: random.between(0.1, 0.4) }),
      ),
      fault(random.pick<FaultKind>(['node off', 'pod killed']), PRIMARY, begin + 50, 4_000, random),
      after(
        'recruit',
        random.between(20, 300),
        fault('pod killed', random.whole(0, members - 1), begin + 200, random.between(20, 400), random),
      ),
    ],
  },
  {
    // It alone heard the old primary, whose WAL it goes on receiving; then it is asked for a promise, and is ahead.
    name: 'one that followed the old primary for longer is asked who leads next',
    least: 5,
    setup: { acks: null },
    length: 5_500,
    write: (random, begin, members) => {
      const astray = random.whole(0, members - 1);
      const rest = Array.from({ length: members }, (_, ordinal) => ordinal).filter(
        (ordinal) => ordinal !== astray,
      );
      return [
        ...rest.map((ordinal) =>
          fault('pair cut', ordinal, begin + 500, random.between(5_000, 6_000), random, { other: PRIMARY }),
        ),
        after('settle', 0, fault('pair cut', astray, begin + 900, 4_000, random, { other: DECIDER })),
        after('settle', random.between(120, 500), fault('node off', DECIDER, begin + 900, 4_000, random)),
      ];
    },
  },
  {
    // Its swap took effect, it does not hear of it, and promises more to a rival that does not hear its answers.
    name: 'a winner does not learn that it won, and promises more',
    least: 3,
    length: 8_000,
    setup: { leaseDuration: 3_000, stopTimeout: 500 },
    write: (random, begin, members) => [
      fault('node off', PRIMARY, begin, 8_000, random),
      after(
        'win',
        0,
        fault('API replies lost to one', DECIDER, begin + 400, random.between(2_600, 5_000), random, {
          amount: 0.99,
        }),
      ),
      after(
        'win',
        0,
        fault('watch stale', DECIDER, begin + 400, random.between(3_000, 6_000), random, {
          amount: random.between(0.4, 0.95),
        }),
      ),
      after(
        'win',
        random.between(1, 40),
        fault('one way cut', DECIDER, begin + 400, 6_000, random, { other: random.whole(0, members - 1) }),
      ),
    ],
  },
  {
    // Its own promise would be enough; who hears the primary well is asked first.
    name: 'one member alone hears no primary, and could take over by its own promise',
    least: 3,
    setup: { asynchronous: false, acks: 2, nofailover: null },
    length: 7_500,
    write: (random, begin, members) => [
      fault('pair cut', random.whole(0, members - 1), begin + random.between(4_200, 4_800), 4_000, random, {
        other: PRIMARY,
      }),
    ],
  },
];
