import { setTimeout as sleep } from 'node:timers/promises';
import type { Random } from '../../simulation/engine/random.ts';
import type { Violation } from '../checker/history.ts';
import { Load } from '../load/load.ts';
import type { Heal, Scenario, World } from '../scenarios/scenario.ts';
import { orAborted } from '../stage/or-aborted.ts';
import type { Stage } from '../stage/stage.ts';
import { judgeRun } from './verdict.ts';

/** What one run of one scenario came to. Times in milliseconds. */
export interface Result {
  readonly scenario: string;
  readonly title: string;
  readonly run: number;
  /** When it began: ISO 8601. */
  readonly began: string;
  readonly longestGapMillis: number;
  /** From the end of the fault until all members stream again. */
  readonly recoveryMillis: number | null;
  /** The oldest plain read at a member that took itself for the primary. */
  readonly oldestReadMillis: number;
  readonly acknowledgedRows: number;
  readonly registerOperations: number;
  readonly notes: readonly string[];
  readonly violations: readonly Violation[];
}

/** A failed run, with what is needed to understand it. */
export interface Failure {
  readonly began: Date;
  readonly load: Load;
}

export interface RunOptions {
  readonly run: number;
  readonly random: Random;
  readonly isLong: boolean;
  readonly signal: AbortSignal;
}

/** Writes between the start of the load and the fault. */
const CALM_MILLIS = 1500;
/** From the end of the fault until everybody streams, with nobody's help; it allows for a clone on a busy machine. */
export const RECOVERY_MILLIS = 90_000;

/** How often the archive is looked into during a run. */
const ARCHIVE_MILLIS = 1000;

/** An object that was replaced and replaced again in between would be missed by one look at the end. */
async function watchArchive(stage: Stage, signal: AbortSignal, found: Violation[]): Promise<void> {
  while (!signal.aborted) {
    found.push(...(await stage.archive.look()));
    await sleep(ARCHIVE_MILLIS, undefined, { signal }).catch(() => undefined);
  }
}

/**
 * Load, fault, cure, recovery, judgement. Rejects only where `signal` is aborted or the cluster was not well to begin
 * with; whatever goes wrong after the fault is a violation. What the fault did is healed in any case.
 */
export async function runScenario(
  stage: Stage,
  scenario: Scenario,
  options: RunOptions,
): Promise<{ readonly result: Result; readonly failure: Failure }> {
  const { run, random, isLong, signal } = options;
  const bounded = <Value>(promise: Promise<Value>): Promise<Value> => orAborted(signal, promise);
  await bounded(stage.waitUntilComplete(RECOVERY_MILLIS));
  const began = new Date();
  const load = await Load.start(stage.target, run, random);
  const notes: string[] = [];
  const violations: Violation[] = [];
  const pause = async (millis: number) => {
    await sleep(Math.max(0, millis), undefined, { signal });
  };
  const world: World = {
    stage,
    load,
    random,
    signal,
    isLong,
    sleep: pause,
    expect: (holds, message) => {
      if (!holds) violations.push({ kind: 'expectation', message });
    },
    note: (text) => notes.push(text),
  };
  let recoveryMillis: number | null = null;
  let oldestReadMillis = 0;
  let longestGapMillis = 0;
  let heal: Heal | null = null;
  const over = new AbortController();
  const watching = watchArchive(stage, AbortSignal.any([signal, over.signal]), violations);
  try {
    await pause(CALM_MILLIS);
    const since = performance.now();
    heal = await bounded(scenario.inject(world));
    await pause(scenario.holdMillis);
    await heal();
    heal = null;
    const healed = performance.now();
    await bounded(load.waitForWrites(50, RECOVERY_MILLIS));
    await bounded(stage.waitUntilComplete(RECOVERY_MILLIS));
    recoveryMillis = performance.now() - healed;
    await bounded(load.waitForWrites(20));
    longestGapMillis = load.longestGap(since);
    await load.stop();
    await bounded(stage.waitUntilComplete(RECOVERY_MILLIS));
    const judged = await bounded(judgeRun(stage, load, scenario.oldestReadMillis));
    violations.push(...judged.violations);
    oldestReadMillis = judged.staleness.millis;
    if (longestGapMillis > scenario.longestGapMillis) {
      const message = `nothing was acknowledged for ${Math.round(longestGapMillis)} ms; at most ${scenario.longestGapMillis} ms are allowed`;
      violations.push({ kind: 'not-recovered', message });
    }
  } catch (error) {
    signal.throwIfAborted();
    violations.push({ kind: 'not-recovered', message: (error as Error).message });
  } finally {
    over.abort();
    await watching;
    await load.stop();
    await heal?.().catch((error: Error) => notes.push(`could not be healed: ${error.message}`));
  }
  const { rows, registers } = load.seen;
  const result: Result = {
    scenario: scenario.id,
    title: scenario.title,
    run,
    began: began.toISOString(),
    longestGapMillis,
    recoveryMillis,
    oldestReadMillis,
    acknowledgedRows: rows.filter(({ outcome }) => outcome === 'acknowledged').length,
    registerOperations: registers.filter(({ outcome }) => outcome === 'acknowledged').length,
    notes,
    violations,
  };
  return { result, failure: { began, load } };
}
