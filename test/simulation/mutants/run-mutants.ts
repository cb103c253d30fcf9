import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
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
`;

interface Found {
  readonly line: string | null;
  readonly schedules: number;
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      seeds: { type: 'string', default: '2000' },
      from: { type: 'string', default: '1' },
      only: { type: 'string', default: '' },
      jobs: { type: 'string', default: '1' },
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
      const { line, schedules } = await hunt(next.index, values.seeds, values.from);
      if (line === null) survivors.push(next.mutant.name);
      const verdict = line === null ? `SURVIVED ${schedules} schedules` : `found after ${schedules}: ${line}`;
      process.stdout.write(`${next.mutant.name}\n    ${verdict}\n`);
    }
  };
  await Promise.all(Array.from({ length: Number(values.jobs) }, work));
  process.stdout.write(`${hunted.length} mutants, ${survivors.length} survived\n`);
  return survivors.length === 0 ? 0 : 1;
}

async function hunt(index: number, seeds: string, from: string): Promise<Found> {
  let schedules = 0;
  for (const how of HUNTS) {
    const found = await run([...how, '--seeds', seeds, '--from', from, '--mutant', String(index)]);
    schedules += found.schedules;
    if (found.line !== null) return { line: `${how.join(' ')} ${found.line}`, schedules };
  }
  return { line: null, schedules };
}

async function run(args: readonly string[]): Promise<Found> {
  const child = spawn(process.execPath, [SIMULATE, '--stop', '1', '-o', 'json', ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let text = '';
  let errors = '';
  child.stdout.on('data', (chunk: Buffer) => {
    text += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    errors += chunk.toString();
  });
  await new Promise((resolve, reject) => child.on('close', resolve).on('error', reject));
  if (!text.startsWith('{')) throw new Error(errors.slice(-1_500));
  const tally = JSON.parse(text) as { readonly schedules: number; readonly violations: readonly string[] };
  const line = tally.violations[0]?.replace(/ \{.*$/, '').slice(0, 230) ?? null;
  return { line, schedules: tally.schedules };
}

process.exitCode = await main();
