import { spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { Tally } from '../tally.ts';
import { MUTANTS } from './mutants.ts';

const SIMULATE = fileURLToPath(new URL('../simulate.ts', import.meta.url));

/** The sizes of cluster that a mutant is hunted in, and the kind of schedule; one after the other. */
const HUNTS: readonly (readonly string[])[] = [
  ['--members', '3'],
  ['--members', '4'],
  ['--members', '2'],
  ['--members', '5'],
  ['--members', '3', '--long'],
];

const HELP = `Plants each mistake of mutants/ and runs schedules until one finds it: by which seed, and after how many.

  --seeds N    schedules of three members before the other sizes of cluster are tried, with as many each (2000)
  --from S     the first seed (1)
  --only TEXT  mutants whose name contains it
  --jobs N     mutants at a time (1)
  --keep DIR   writes the schedule that found it there, one file a mutant
`;

interface Hunt {
  /** What the violation says, and the schedule that shows it, as JSON; null: it survived. */
  readonly found: { readonly how: string; readonly line: string; readonly schedule: string } | null;
  readonly schedules: number;
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      seeds: { type: 'string', default: '2000' },
      from: { type: 'string', default: '1' },
      only: { type: 'string', default: '' },
      jobs: { type: 'string', default: '1' },
      keep: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(HELP);
    return 0;
  }
  const hunted = MUTANTS.map((mutant, index) => ({ mutant, index })).filter(({ mutant }) =>
    mutant.name.includes(values.only),
  );
  const waiting = [...hunted];
  const survivors: string[] = [];
  const work = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const { found, schedules } = await hunt(next.index, values.seeds, values.from);
      if (found === null) survivors.push(next.mutant.name);
      else if (values.keep !== undefined) keep(values.keep, next.mutant.name, found);
      const verdict =
        found === null ? `SURVIVED ${schedules} schedules` : `found after ${schedules}: ${shown(found)}`;
      process.stdout.write(`${next.mutant.name}\n    ${verdict}\n`);
    }
  };
  await Promise.all(Array.from({ length: Number(values.jobs) }, work));
  process.stdout.write(`${hunted.length} mutants, ${survivors.length} survived\n`);
  return survivors.length === 0 ? 0 : 1;
}

function shown({ how, line }: NonNullable<Hunt['found']>): string {
  return `${how} ${line}`.slice(0, 250);
}

function keep(directory: string, name: string, { line, schedule }: NonNullable<Hunt['found']>): void {
  mkdirSync(directory, { recursive: true });
  const file = name.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-');
  const content = { mutant: name, found: line, schedule: JSON.parse(schedule) as unknown };
  writeFileSync(join(directory, `${file}.json`), `${JSON.stringify(content, null, 2)}\n`);
}

async function hunt(index: number, seeds: string, from: string): Promise<Hunt> {
  let schedules = 0;
  for (const how of HUNTS) {
    let next = Number(from);
    const end = next + Number(seeds);
    while (next < end) {
      const range = ['--seeds', String(end - next), '--from', String(next)];
      const tally = JSON.parse(
        await simulate(['--stop', '1', '-o', 'json', ...how, ...range, '--mutant', String(index)]),
      ) as Tally;
      schedules += tally.schedules;
      const [violation] = tally.violations;
      if (violation === undefined) break;
      const at = violation.indexOf(' {"seed"');
      const schedule = violation.slice(at + 1);
      // What is violated without the mistake as well is another's fault.
      const without = await simulate(['--schedule', '-'], schedule);
      if (without.includes('"violation": null')) {
        return { found: { how: how.join(' '), line: violation.slice(0, at), schedule }, schedules };
      }
      next = Number(/^seed (\d+)/.exec(violation)?.[1]) + 1;
    }
  }
  return { found: null, schedules };
}

async function simulate(args: readonly string[], input = ''): Promise<string> {
  const child = spawn(process.execPath, [SIMULATE, ...args], { stdio: ['pipe', 'pipe', 'pipe'] });
  let text = '';
  let errors = '';
  child.stdout.on('data', (chunk: Buffer) => {
    text += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    errors += chunk.toString();
  });
  child.stdin.end(input);
  await new Promise((resolve, reject) => child.on('close', resolve).on('error', reject));
  if (!text.startsWith('{')) throw new Error(errors.slice(-1_500));
  return text;
}

process.exitCode = await main();
