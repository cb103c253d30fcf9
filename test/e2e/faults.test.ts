import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { randomCombinations } from '../faults/run/combination.ts';
import { keepFailure } from '../faults/run/keep.ts';
import { runScenario } from '../faults/run/run-scenario.ts';
import { Theatre } from '../faults/run/theatre.ts';
import { SCENARIOS } from '../faults/scenarios/all.ts';
import type { Need, Scenario } from '../faults/scenarios/scenario.ts';
import { whatIsMissing } from '../faults/scenarios/why-not.ts';
import { Random } from '../simulation/engine/random.ts';

const SEED = 20;
/** One of each kind of damage, and short; the long run has all: npm run test:faults. */
const SHORT = [
  'kill-backend-primary',
  'freeze-agent-primary',
  'one-way-in',
  'api-down-primary-only',
  'lease-epoch-lowered',
  'cancelled-wait',
  'user-promotes',
  'all-killed',
];
const scenarios: readonly Scenario[] = [
  ...SHORT.map((id) => SCENARIOS.find((scenario) => scenario.id === id) as Scenario),
  ...randomCombinations(
    SCENARIOS.filter(({ needs }) => !needs.includes('disks') && !needs.includes('clock')),
    1,
    new Random(SEED, 'combinations'),
  ),
];

describe('clients of a cluster of three', () => {
  let missing: ReadonlyMap<Need, string>;
  let theatre: Theatre;
  let run = 0;
  beforeAll(async () => {
    missing = await whatIsMissing();
    theatre = new Theatre(!missing.has('network'), SEED, new AbortController().signal);
    await theatre.stage(false);
  });
  afterAll(() => theatre?.leave());

  test.for(scenarios)('see one linearizable history: $title', async (scenario, { skip }) => {
    const why = scenario.needs.map((need) => missing.get(need)).find((reason) => reason !== undefined);
    if (why !== undefined) skip(why);
    const stage = await theatre.stage(false);
    run += 1;
    const { result, failure } = await runScenario(stage, scenario, {
      run,
      random: new Random(SEED, scenario.id),
      isLong: false,
      signal: new AbortController().signal,
    });
    const { longestGapMillis, acknowledgedRows, violations } = result;
    process.stderr.write(
      `  write gap ${Math.round(longestGapMillis)} ms, ${acknowledgedRows} rows: ${scenario.id}\n`,
    );
    if (violations.length === 0) return;
    const folder = await keepFailure(
      await mkdtemp(join(tmpdir(), 'pgwarden-faults-kept-')),
      stage,
      result,
      failure,
    );
    const told = await stage.story(failure.began);
    await theatre.leave();
    expect.fail(`${JSON.stringify(violations, null, 1)}\n${told}\nkept in ${folder}`);
  });
});
