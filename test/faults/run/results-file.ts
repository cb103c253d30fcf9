import { readFile, rename, writeFile } from 'node:fs/promises';
import type { Outcome } from './run-all.ts';

/**
 * Adds to the results of earlier runs, so that a long run can be made in parts; returns all of them. A scenario that was
 * left out before and has been run since counts as run.
 */
export async function addResults(file: string, outcome: Outcome): Promise<Outcome> {
  const before = await earlier(file);
  const results = [...before.results, ...outcome.results];
  const run = new Set(results.map(({ scenario }) => scenario));
  const left = [...before.skipped, ...outcome.skipped].filter(({ scenario }) => !run.has(scenario));
  const skipped = [...new Map(left.map((one) => [one.scenario, one])).values()];
  await writeFile(`${file}.new`, `${JSON.stringify({ results, skipped }, null, 1)}\n`);
  await rename(`${file}.new`, file);
  return { results, skipped };
}

async function earlier(file: string): Promise<Outcome> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as Outcome;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { results: [], skipped: [] };
    throw error;
  }
}
