import { setTimeout as sleep } from 'node:timers/promises';
import { Random } from '../../simulation/engine/random.ts';
import type { Violation } from '../checker/history.ts';
import { Load } from '../load/load.ts';
import { judgeRun } from '../run/verdict.ts';
import { OLDEST_READ } from '../scenarios/scenario.ts';
import type { Stage } from '../stage/stage.ts';
import { type Watched, watchOffice } from './watch.ts';

const COMPLETE_MILLIS = 120_000;

/** Some minutes under load, and what was seen. Times in milliseconds. */
export interface Round {
  readonly number: number;
  readonly millis: number;
  readonly watched: Watched;
  readonly longestGap: number;
  readonly acknowledged: number;
  readonly violations: readonly Violation[];
}

/** Load for so long, watched, and then judged as in every fault scenario. */
export async function busyRound(
  stage: Stage,
  number: number,
  millis: number,
  signal: AbortSignal,
): Promise<Round> {
  const load = await Load.start(stage.target, number, new Random(number, 'busy'));
  const over = new AbortController();
  const began = performance.now();
  const watching = watchOffice(stage, AbortSignal.any([signal, over.signal]));
  try {
    await sleep(millis, undefined, { signal });
  } finally {
    over.abort();
    await load.stop();
  }
  const watched = await watching;
  const longestGap = load.longestGap(began);
  await stage.waitUntilComplete(COMPLETE_MILLIS);
  const { violations } = await judgeRun(stage, load, OLDEST_READ);
  return { number, millis, watched, longestGap, acknowledged: load.acknowledged, violations };
}
