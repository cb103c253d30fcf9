import { randomInt } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { isJson, positive } from '../../bench/options.ts';
import { SCENARIOS } from '../scenarios/all.ts';
import type { Scenario } from '../scenarios/scenario.ts';

export interface FaultOptions {
  readonly isList: boolean;
  readonly scenarios: readonly Scenario[];
  readonly seed: number;
  /** Random combinations, besides or (where no scenario was named) instead of the single ones. */
  readonly random: number;
  readonly runs: number;
  readonly isLong: boolean;
  /** File with the results of this run and of earlier ones. */
  readonly results: string | null;
  /** Page to write the results into. */
  readonly report: string | null;
  /** Folder for what failed runs leave. */
  readonly keep: string;
  readonly isJson: boolean;
}

const HELP = `Usage: npm run test:faults -- [options]

Hurts a real cluster under load, and checks what its clients saw. See docs/faults.md.

  --list            the scenarios, and which cannot be run here
  --only A,B        these scenarios; without it, and without --random, all
  --runs N          runs of each (default 1)
  --random M        M random combinations of two or three faults
  --seed N          of all that is random (default: another each time; it is printed)
  --long            repeated failovers go on for 5 minutes, not 30 s
  --results FILE    add the results to those of earlier runs in this file: a long run in parts
  --report FILE     write the results into this page (docs/faults.md)
  --keep DIR        where failed runs leave their logs (default: in the directory for temporary files)
  -o, --output json one JSON object on stdout instead of the table
`;

/** Options of test:faults; null: only the help was asked for. Throws TypeError for what is no option. */
export function faultOptions(argv: readonly string[]): FaultOptions | null {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      list: { type: 'boolean', default: false },
      only: { type: 'string' },
      runs: { type: 'string', default: '1' },
      random: { type: 'string' },
      seed: { type: 'string' },
      long: { type: 'boolean', default: false },
      results: { type: 'string' },
      report: { type: 'string' },
      keep: { type: 'string', default: join(tmpdir(), 'pgwarden-faults-kept') },
      output: { type: 'string', short: 'o', default: 'table' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(HELP);
    return null;
  }
  const random = values.random === undefined ? 0 : positive('--random', values.random);
  return {
    isList: values.list,
    scenarios: chosen(values.only, random),
    seed: values.seed === undefined ? randomInt(1, 0x7fffffff) : positive('--seed', values.seed),
    random,
    runs: positive('--runs', values.runs),
    isLong: values.long,
    results: values.results ?? null,
    report: values.report ?? null,
    keep: values.keep,
    isJson: isJson(values.output),
  };
}

function chosen(only: string | undefined, random: number): readonly Scenario[] {
  if (only === undefined) return random > 0 ? [] : SCENARIOS;
  return only.split(',').map((id) => {
    const found = SCENARIOS.find((scenario) => scenario.id === id);
    if (found === undefined) throw new TypeError(`--only: no ${id}; --list names those that there are`);
    return found;
  });
}
