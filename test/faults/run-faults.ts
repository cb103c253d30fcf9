import { readFile, writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { execa } from 'execa';
import { say, table } from '../bench/table.ts';
import { Random } from '../simulation/engine/random.ts';
import { randomCombinations } from './run/combination.ts';
import { type FaultOptions, faultOptions } from './run/options.ts';
import { asMarkdown, asTable, withResults } from './run/report.ts';
import { addResults } from './run/results-file.ts';
import { runAll } from './run/run-all.ts';
import { SCENARIOS } from './scenarios/all.ts';
import { whatIsMissing } from './scenarios/why-not.ts';

/** Exit codes: 0 all held, 1 a violation, 130 interrupted. */
async function main(options: FaultOptions): Promise<number> {
  if (options.isList) {
    process.stdout.write(`${await list()}\n`);
    return 0;
  }
  const { seed, runs, isLong, keep, report } = options;
  const interrupted = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    // Once: a second one ends this process at once.
    process.once(name, () => {
      say('interrupted: the cluster is taken down');
      interrupted.abort();
    });
  }
  say(`seed ${seed}`);
  const combinations = randomCombinations(SCENARIOS, options.random, new Random(seed, 'combinations'));
  const scenarios = [...options.scenarios, ...combinations];
  const { signal } = interrupted;
  const file = options.results;
  const outcome = await runAll({
    ...{ scenarios, runs, seed, isLong, keep, signal },
    commit: await commitHere(),
    // One by one: what was run is not lost with what comes after it.
    onRun: async (run) => {
      if (file !== null) await addResults(file, { results: [run], skipped: [] });
    },
  });
  const { results, skipped } =
    file === null ? outcome : await addResults(file, { results: [], skipped: outcome.skipped });
  if (options.isJson) {
    process.stdout.write(`${JSON.stringify({ seed, cores: cpus().length, results, skipped }, null, 2)}\n`);
  } else {
    process.stdout.write(`${asTable(results, skipped)}\n`);
  }
  if (signal.aborted) return 130;
  if (report !== null) {
    const page = await readFile(report, 'utf8');
    await writeFile(report, withResults(page, asMarkdown(results, skipped)));
  }
  return outcome.results.some(({ violations }) => violations.length > 0) ? 1 : 0;
}

/** `9b7f858`, or `9b7f858-dirty`; null where this is no work tree of git. */
async function commitHere(): Promise<string | null> {
  const { exitCode, stdout } = await execa('git', ['describe', '--always', '--dirty', '--exclude=*'], {
    cwd: import.meta.dirname,
    reject: false,
  });
  return exitCode === 0 ? stdout : null;
}

async function list(): Promise<string> {
  const missing = await whatIsMissing();
  const rows = SCENARIOS.map(({ id, title, needs }) => {
    const why = needs.map((need) => missing.get(need)).find((reason) => reason !== undefined);
    return [id, title, why === undefined ? '' : `not here: ${why}`];
  });
  return table([['scenario', 'what happens', ''], ...rows]);
}

const options = faultOptions(process.argv.slice(2));
if (options !== null) process.exitCode = await main(options);
