import { after, DECIDER, everybody, fault, PRIMARY, type Script } from './script.ts';

/** Members that come back: with more than the others have, with less, by an old view, or too late to be counted. */
export const OF_COMING_BACK: readonly Script[] = [
  {
    // Its Postgres received what the next primary wrote, from the old one; its agent knows of neither.
    name: 'a member wakes up with an old view and newer WAL',
    least: 3,
    setup: { asynchronous: false },
    length: 7_500,
    write: (random, begin, members) => {
      const sleeper = random.whole(0, members - 1);
      const next = (sleeper + random.whole(1, members - 1)) % members;
      const at = begin + 900;
      const asleep = random.between(2_000, 2_900);
      return [
        fault('watch stale', sleeper, at, 7_000, random, { amount: random.between(0.8, 0.99) }),
        fault('agent frozen', sleeper, at, asleep, random),
        fault('switchover', next, at + 20, 0, random, { amount: 0.1 }),
        ...everybody(members, (ordinal) =>
          fault('agent frozen', ordinal, at + random.between(1_500, 1_900), 2_900, random),
        ).filter(({ member }) => member !== sleeper),
        fault('Postgres killed', sleeper, at + asleep - random.between(20, 300), 0, random),
      ];
    },
  },
  {
    // The only copy of what was acknowledged may not lead, and the candidate never followed the epoch that it is of.
    name: 'a candidate must catch up with a timeline that it never followed',
    least: 3,
    setup: { asynchronous: false, acks: null, nofailover: 2, preferred: null },
    length: 7_500,
    write: (random, begin) => [
      fault('switchover', random.whole(0, 1), begin + 900, 0, random, { amount: 0.1 }),
      after('release', random.between(0, 60), fault('node off', DECIDER, begin + 900, 3_000, random)),
      after(
        'settle',
        random.between(200, 900),
        fault('volume lost', DECIDER, begin + 900, random.between(200, 4_000), random),
      ),
    ],
  },
  {
    // The only copy of what was acknowledged may not lead, and the candidate left its history.
    name: 'a candidate has left the history of a copy that may not lead',
    least: 3,
    setup: { asynchronous: false, acks: null, nofailover: 2, preferred: null },
    length: 8_000,
    write: (random, begin) => [
      fault('member isolated', PRIMARY, begin + 900, random.between(4_200, 5_000), random),
      fault('machine frozen', PRIMARY, begin + 900, random.between(2_600, 3_300), random),
      after(
        'settle',
        random.between(120, 600),
        fault('volume lost', DECIDER, begin + 1_000, random.between(200, 4_000), random),
      ),
    ],
  },
  {
    // Whoever is to acknowledge the row of the new epoch is nobody any more.
    name: 'a volume is lost during a restart in place',
    least: 2,
    setup: { asynchronous: false },
    length: 5_000,
    write: (random, begin, members) => [
      fault('restart asked', PRIMARY, begin + 900, 0, random),
      fault(
        'volume lost',
        random.whole(0, members - 1),
        begin + 900 + random.between(-60, 500),
        random.between(20, 800),
        random,
      ),
    ],
  },
  {
    name: 'a primary is fenced while it restarts',
    least: 2,
    setup: { asynchronous: false },
    length: 6_000,
    write: (random, begin) => [
      fault('restart asked', PRIMARY, begin + 900, 0, random),
      fault('member fenced', PRIMARY, begin + 900 + random.between(20, 400), 4_000, random),
    ],
  },
  {
    // Members that promised more wait for the record to reach it; the mark of the epoch below waits for them.
    name: 'a second takeover is abandoned before the mark of the first epoch',
    least: 2,
    setup: { asynchronous: false },
    length: 8_000,
    write: (random, begin) => [
      fault('member isolated from members', PRIMARY, begin + 700, random.between(1_150, 1_500), random),
      after(
        'recruit',
        random.between(5, 80),
        fault('agent killed', DECIDER, begin + 700, random.between(100, 1_200), random),
      ),
      after(
        'settle',
        random.between(0, 8),
        fault('member isolated from members', PRIMARY, begin + 1_500, random.between(1_200, 1_800), random),
      ),
      after(
        'recruit',
        random.between(5, 80),
        fault('agent killed', DECIDER, begin + 2_800, random.between(100, 1_200), random),
      ),
    ],
  },
];
