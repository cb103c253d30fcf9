import type { FaultKind } from '../faults/acts.ts';
import { after, DECIDER, everybody, fault, PRIMARY, type Script } from './script.ts';

/** Records that are lost, set back, or read late. */
export const OF_RECORDS: readonly Script[] = [
  {
    // Only what is on disk tells that the record is old.
    name: 'the record of an earlier epoch comes back while all are down',
    least: 2,
    setup: { asynchronous: false },
    length: 5_000,
    write: (random, begin) => {
      const at = begin + random.between(2_200, 3_200);
      return [
        fault(random.pick<FaultKind>(['switchover', 'restart asked']), PRIMARY, begin + 700, 0, random, {
          amount: 0.9,
        }),
        fault('all killed', 0, at, random.between(100, 900), random),
        fault('record restored', 0, at + 5, 0, random, { amount: random.between(0, 0.5) }),
      ];
    },
  },
  {
    name: 'an older cohort of the same epoch comes back while all are down',
    least: 3,
    setup: { asynchronous: false, dropAfter: 1_000 },
    length: 5_500,
    write: (random, begin, members) => {
      const at = begin + random.between(3_000, 4_000);
      return [
        fault(
          random.pick<FaultKind>(['pair cut', 'receiver killed', 'Postgres frozen']),
          random.whole(0, members - 1),
          begin + 500,
          random.between(1_100, 2_000),
          random,
          { other: PRIMARY },
        ),
        fault('all killed', 0, at, random.between(100, 900), random),
        fault('record restored', 0, at + 5, 0, random, { amount: random.between(0.6, 0.999) }),
      ];
    },
  },
  {
    // Longer than its quorum's replies count, it can read no record; then there is none.
    name: 'a primary that is all alone finds no record',
    least: 2,
    setup: { asynchronous: false, staleReadBound: 1_000, leaseDuration: 10_000, stopTimeout: 2_000 },
    length: 9_500,
    write: (random, begin) => [
      fault('member isolated from members', PRIMARY, begin + 500, 9_000, random),
      fault('API cut off', PRIMARY, begin + 500, random.between(5_300, 6_500), random),
      fault('record deleted', 0, begin + 500 + random.between(20, 600), 0, random),
    ],
  },
  {
    name: 'the record is lost while one member is off',
    least: 3,
    setup: { asynchronous: false, leaseDuration: 3_000, stopTimeout: 500 },
    length: 8_000,
    write: (random, begin, members) => [
      fault('node off', random.whole(0, members - 1), begin + 400, 9_000, random),
      fault('all killed', 0, begin + 500, random.between(100, 800), random),
      fault('record deleted', 0, begin + 500 + random.between(5, 60), 0, random),
    ],
  },
  {
    // What was won was followed by nobody, and a later number was promised: only the promises tell.
    name: 'the record is lost with an epoch that nobody followed',
    least: 3,
    setup: { asynchronous: false, leaseDuration: 3_000, stopTimeout: 500 },
    length: 8_000,
    write: (random, begin) => {
      const end = begin + random.between(2_900, 3_800);
      return [
        fault('node off', PRIMARY, begin + 300, end - begin, random),
        after('win', random.between(1, 7), fault('pod killed', DECIDER, begin + 900, 4_000, random)),
        fault('all killed', 0, end, random.between(100, 800), random),
        fault('record deleted', 0, end + 5, 0, random),
      ];
    },
  },
  {
    // Its epoch needs everybody, and one of them left its history.
    name: 'the record is lost while a member has left the history of the best',
    least: 3,
    setup: { asynchronous: false, acks: 2, leaseDuration: 3_000, stopTimeout: 500, nofailover: null },
    length: 6_000,
    write: (random, begin) => [
      fault('member isolated', PRIMARY, begin + 600, random.between(2_500, 4_000), random),
      after('write-epoch-row', random.between(20, 600), fault('all killed', 0, begin + 900, 600, random)),
      after('write-epoch-row', random.between(600, 640), fault('record deleted', 0, begin + 900, 0, random)),
    ],
  },
  {
    // It cannot write the record anew while its quorum is there; later its standbys wait for a record.
    name: 'a primary loses its record and its standbys while the API refuses',
    least: 3,
    setup: { asynchronous: false, leaseDuration: 10_000, stopTimeout: 2_000, staleReadBound: 1_000 },
    length: 7_000,
    write: (random, begin, members) => {
      const at = begin + 900;
      const spared = random.whole(0, members - 1);
      return [
        fault('record deleted', 0, at, 0, random),
        fault('API refuses', 0, at + random.between(4, 16), random.between(3_000, 5_000), random, {
          amount: 0.999,
        }),
        ...everybody(members, (ordinal) =>
          fault('pod killed', ordinal, at + random.between(-30, 20), random.between(100, 900), random),
        ).filter(({ member }) => member !== spared),
      ];
    },
  },
  {
    // It starts before the API has told that the cluster never began.
    name: 'who ran initdb dies before the first epoch',
    least: 1,
    isCold: true,
    setup: { asynchronous: false },
    length: 6_000,
    write: (random, begin) => [
      after(
        'initialize',
        random.between(300, 800),
        fault('agent killed', DECIDER, begin, random.between(20, 400), random),
      ),
      after(
        'initialize',
        random.between(300, 800),
        fault('API cut off', DECIDER, begin, random.between(500, 3_000), random),
      ),
    ],
  },
  {
    // Seen by all, and followed by nobody yet; now and then before the winner has the answer of its swap. Only when asked for:
    // the table in docs/simulation.md names seeds of the others.
    name: 'the record of the moment before comes back after a win',
    isAskedFor: true,
    least: 2,
    setup: { asynchronous: false },
    write: (random, begin) => [
      fault('switchover', PRIMARY, begin + 700, 0, random, { amount: 0.9 }),
      after(
        'win',
        random.between(0, 80),
        fault('record restored', 0, begin + 700, 0, random, { amount: random.between(0.8, 0.999) }),
      ),
    ],
  },
];
