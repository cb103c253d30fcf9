import { after, DECIDER, fault, PRIMARY, type Script } from './script.ts';

/** Changes of the cohort, of the acknowledgements and of who is counted. */
export const OF_COHORTS: readonly Script[] = [
  {
    // One walsender still counts by the old value when those that count by the new one are out of reach.
    name: 'a walsender reads the names late while more acknowledgements are asked for',
    least: 4,
    setup: { acks: 1, asynchronous: false },
    length: 5_000,
    write: (random, begin, members) => {
      const lone = random.whole(0, members - 1);
      const others = Array.from({ length: members }, (_, ordinal) => ordinal).filter(
        (ordinal) => ordinal !== lone,
      );
      const soon = random.between(0, 40);
      return [
        fault('settings read late', PRIMARY, begin + 900, 4_000, random, {
          amount: random.between(0.4, 0.99),
        }),
        fault('acks changed', 0, begin + 950, 0, random, { amount: random.between(0.34, 0.66) }),
        ...others.map((ordinal) =>
          after(
            'swap-record',
            soon,
            fault('pair cut', ordinal, begin + 960, 4_000, random, { other: DECIDER }),
          ),
        ),
      ];
    },
  },
  {
    // Away, back and away again: the names of the first change are set once more while their first proof goes on.
    name: 'a member comes and goes while the names are read late',
    least: 2,
    setup: { asynchronous: false, dropAfter: 1_000 },
    length: 7_500,
    write: (random, begin, members) => {
      const at = begin + 900;
      const wanderer = random.whole(0, members - 1);
      const first = random.between(1_100, 1_600);
      const again = at + first + random.between(300, 900);
      return [
        ...Array.from({ length: 3 }, (_, time) =>
          fault('settings read late', PRIMARY, at + time * 2_000, 2_000, random, {
            amount: random.between(0.5, 0.99),
          }),
        ),
        fault('pair cut', wanderer, at, first, random, { other: PRIMARY }),
        fault('pair cut', wanderer, again, random.between(1_100, 2_500), random, { other: PRIMARY }),
      ];
    },
  },
  {
    name: 'a person edits the names',
    least: 2,
    setup: { asynchronous: false },
    write: (random, begin) => [fault('names edited', PRIMARY, begin + random.between(300, 1_500), 0, random)],
  },
  {
    // What Postgres asks for and what is published differ for as long as the API takes.
    name: 'fewer acknowledgements are asked for while the API is slow',
    least: 3,
    setup: { acks: 2, asynchronous: false },
    write: (random, begin, members) => {
      const at = begin + 900;
      return [
        fault('API slow', 0, at - 20, random.between(800, 2_000), random, {
          amount: random.between(0.1, 0.5),
        }),
        fault('acks changed', 0, at, 0, random, { amount: 0.1 }),
        fault('pair cut', random.whole(0, members - 1), at - random.between(0, 200), 2_500, random, {
          other: PRIMARY,
        }),
      ];
    },
  },
];
