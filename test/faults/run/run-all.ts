import { say } from '../../bench/table.ts';
import { Random } from '../../simulation/engine/random.ts';
import type { Scenario } from '../scenarios/scenario.ts';
import { whatIsMissing } from '../scenarios/why-not.ts';
import { keepFailure } from './keep.ts';
import type { Skipped } from './report.ts';
import { type Result, type RunOptions, runScenario } from './run-scenario.ts';
import { Theatre } from './theatre.ts';

export interface RunAllOptions {
  readonly scenarios: readonly Scenario[];
  readonly runs: number;
  readonly seed: number;
  readonly isLong: boolean;
  readonly keep: string;
  /** Of the program that is run; null: not known. */
  readonly commit: string | null;
  /** Told of every run as soon as it is over. */
  readonly onRun: (run: Run) => Promise<void>;
  readonly signal: AbortSignal;
}

/** A run, and of what. */
export interface Run extends Result {
  readonly commit: string | null;
}

export interface Outcome {
  readonly results: readonly Run[];
  readonly skipped: readonly Skipped[];
}

/**
 * Runs every scenario as often as asked, one after the other, on one cluster as long as it is well: after a failed run
 * there is a new one. Ends early, with the results so far, when `signal` is aborted.
 */
export async function runAll(options: RunAllOptions): Promise<Outcome> {
  const { scenarios, runs, seed, signal, keep, isLong, commit, onRun } = options;
  const missing = await whatIsMissing();
  const results: Run[] = [];
  const skipped: Skipped[] = [];
  const theatre = new Theatre(!missing.has('network'), seed, signal);
  const total = scenarios.length * runs;
  let run = 0;
  try {
    // Those on disks together: they need another cluster.
    for (const scenario of scenarios.toSorted(
      (one, other) => Number(onDisks(one)) - Number(onDisks(other)),
    )) {
      const why = scenario.needs.map((need) => missing.get(need)).find((reason) => reason !== undefined);
      if (why !== undefined) {
        skipped.push({ scenario: scenario.id, title: scenario.title, why });
        run += runs;
        continue;
      }
      for (let time = 1; time <= runs && !signal.aborted; time += 1) {
        run += 1;
        say(`[${run}/${total}] ${scenario.id}`);
        const random = new Random(seed, `${scenario.id}/${time}`);
        const result = await runOnce(theatre, scenario, { run, random, isLong, signal }, keep);
        results.push({ ...result, commit });
        await onRun({ ...result, commit });
        if (result.violations.length > 0) await theatre.leave();
      }
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    await theatre.leave();
  }
  return { results, skipped };
}

/** Tells what came of it; a run that could not even begin is a failed one, and the next gets a cluster of its own. */
async function runOnce(
  theatre: Theatre,
  scenario: Scenario,
  options: RunOptions,
  keep: string,
): Promise<Result> {
  try {
    const stage = await theatre.stage(onDisks(scenario));
    const { result, failure } = await runScenario(stage, scenario, options);
    say(lineOf(result));
    if (result.violations.length > 0) {
      for (const { kind, message } of result.violations) say(`    ${kind}: ${message}`);
      say(`    kept in ${await keepFailure(keep, stage, result, failure)}`);
    }
    return result;
  } catch (error) {
    options.signal.throwIfAborted();
    const { message } = error as Error;
    say(`    FAILED to begin: ${message}`);
    return neverBegun(scenario, options.run, message);
  }
}

function neverBegun({ id, title }: Scenario, run: number, message: string): Result {
  return {
    scenario: id,
    title,
    run,
    began: new Date().toISOString(),
    longestGapMillis: 0,
    recoveryMillis: null,
    oldestReadMillis: 0,
    acknowledgedRows: 0,
    registerOperations: 0,
    notes: [],
    violations: [{ kind: 'not-recovered', message: `it could not begin: ${message}` }],
  };
}

const onDisks = ({ needs }: Scenario): boolean => needs.includes('disks');

function lineOf({
  longestGapMillis,
  recoveryMillis,
  oldestReadMillis,
  acknowledgedRows,
  notes,
  violations,
}: Result) {
  const verdict = violations.length === 0 ? 'held' : 'FAILED';
  const recovery = recoveryMillis === null ? 'not' : `after ${Math.round(recoveryMillis)} ms`;
  const facts = `gap ${Math.round(longestGapMillis)} ms, well ${recovery}, oldest read ${Math.round(oldestReadMillis)} ms, ${acknowledgedRows} rows`;
  return [`    ${verdict}: ${facts}`, ...notes.map((note) => `    ${note}`)].join('\n');
}
