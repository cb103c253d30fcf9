import { after, DECIDER, fault, PRIMARY, type Script } from './script.ts';

/** The Lease: held by members' words, handed over, and lost to a primary that cannot read so. */
export const OF_LEASES: readonly Script[] = [
  {
    name: 'members that gave their word not to acquire hear no more of the primary',
    least: 2,
    setup: { asynchronous: true, acks: null, leaseDuration: 3_000, stopTimeout: 500 },
    length: 8_000,
    write: (random, begin) => [
      fault('API cut off', PRIMARY, begin + 800, 8_000, random),
      after(
        'hold-members',
        random.between(10, 400),
        fault('member isolated from members', PRIMARY, begin + 900, 8_000, random),
      ),
    ],
  },
  {
    // The shutdown checkpoint is written when nobody streams any more.
    name: 'the target of a switchover loses its connection during the shutdown',
    least: 2,
    setup: { asynchronous: false },
    length: 6_000,
    write: (random, begin, members) => [
      fault('switchover', random.whole(0, members - 1), begin + 900, 0, random),
      after('stop', random.between(0, 30), fault('walsenders killed', PRIMARY, begin + 900, 0, random)),
      after('stop', random.between(10, 45), fault('walsenders killed', PRIMARY, begin + 900, 0, random)),
    ],
  },
  {
    // It reads no record; its peers know better.
    name: 'a deposed primary hears of it from its peers alone',
    least: 3,
    setup: { asynchronous: false, staleReadBound: 3_000 },
    length: 8_000,
    write: (random, begin) => [
      fault('API cut off', PRIMARY, begin + 600, 8_000, random),
      fault('member isolated from members', PRIMARY, begin + 600, random.between(1_900, 3_500), random),
    ],
  },
  {
    // Handed over to one that the record does not list yet, by one that may not lead again.
    name: 'the target of a switchover is not listed, and dies before it settles',
    least: 2,
    setup: {
      asynchronous: true,
      acks: null,
      nofailover: 0,
      preferred: null,
      dropAfter: 1_000,
      hungAfter: 10_000,
    },
    length: 6_500,
    write: (random, begin) => {
      const at = begin + 900;
      const back = at + random.between(1_600, 2_200);
      return [
        fault('Postgres frozen', 1, at, back - at, random),
        fault('API refuses', 0, back - 50, random.between(60, 700), random),
        // Withdrawn until it replies.
        ...Array.from({ length: 8 }, (_, time) =>
          fault('switchover', 1, back + random.between(20, 60) * time, 0, random, { amount: 0.9 }),
        ),
        after('win', random.between(0, 40), fault('pod killed', DECIDER, at, 300, random)),
      ];
    },
  },
];
