import type { Random } from '../engine/random.ts';
import type { FaultKind } from '../faults/acts.ts';
import type { Fault } from '../faults/fault.ts';
import { after, DECIDER, fault, PRIMARY, type Script } from './script.ts';

/** What may come in between, with the next decision of the operation. */
const IN_BETWEEN: readonly FaultKind[] = [
  'agent killed',
  'pod killed',
  'all killed',
  'API cut off',
  'member isolated',
  'agent frozen',
];

function disturbed(random: Random, begin: number): readonly Fault[] {
  const moments = [
    'set-aside',
    'swap-record',
    'initialize',
    'begin-first-epoch',
    'clone',
    'settle',
    'bring-back',
  ] as const;
  return Array.from({ length: random.whole(0, 3) }, () =>
    after(
      random.pick(moments),
      random.between(0, 700),
      fault(
        random.pick(IN_BETWEEN),
        random.chance(0.5) ? DECIDER : random.whole(0, 2),
        begin + random.between(0, 2_500),
        random.between(100, 2_500),
        random,
      ),
    ),
  );
}

/** Recoveries in place. Only when asked for: a schedule by chance has none. */
export const OF_RECOVERIES: readonly Script[] = [
  {
    name: 'a cluster is recovered in place and confirmed',
    isAskedFor: true,
    least: 1,
    length: 16_000,
    write: (random, begin) => [
      fault('recovery asked', PRIMARY, begin + 500, 0, random),
      ...disturbed(random, begin),
      fault('recovery confirmed', PRIMARY, begin + random.between(6_000, 15_000), 0, random),
    ],
  },
  {
    name: 'a cluster is recovered in place and the recovery abandoned',
    isAskedFor: true,
    least: 1,
    length: 16_000,
    write: (random, begin, members) => [
      fault('recovery asked', PRIMARY, begin + 500, 0, random),
      ...disturbed(random, begin),
      fault(
        'recovery abandoned',
        random.whole(0, members - 1),
        begin + 500 + random.between(20, 12_000),
        0,
        random,
      ),
    ],
  },
  {
    name: 'a recovery in place after another',
    isAskedFor: true,
    least: 1,
    length: 30_000,
    write: (random, begin, members) => [
      fault('recovery asked', PRIMARY, begin + 500, 0, random),
      ...disturbed(random, begin),
      fault(
        random.pick<FaultKind>(['recovery confirmed', 'recovery abandoned']),
        random.whole(0, members - 1),
        begin + 9_000,
        0,
        random,
      ),
      fault('recovery asked', PRIMARY, begin + 14_000, 0, random),
      fault(
        random.pick<FaultKind>(['recovery confirmed', 'recovery abandoned']),
        random.whole(0, members - 1),
        begin + random.between(14_100, 26_000),
        0,
        random,
      ),
    ],
  },
];
