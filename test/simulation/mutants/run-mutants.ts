import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { MUTANTS } from './mutants.ts';

interface Found {
  readonly name: string;
  readonly line: string | null;
  readonly schedules: number;
}

const SIMULATE = fileURLToPath(new URL('../simulate.ts', import.meta.url));

/** Runs schedules against each mutant until one finds it: which, by which rule, and after how many. */
async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      seeds: { type: 'string', default: '3000' },
      jobs: { type: 'string', default: '1' },
      only: { type: 'string', default: '' },
      from: { type: 'string', default: '1' },
    },
  });
  const waiting = MUTANTS.map((mutant, index) => ({ mutant, index })).filter(({ mutant }) =>
    mutant.name.includes(values.only),
  );
  let survived = 0;
  const work = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const found = await hunt(next.index, values.seeds, values.from);
      if (found.line === null) survived += 1;
      const verdict =
        found.line === null
          ? `SURVIVED ${found.schedules} schedules`
          : `found after ${found.schedules}: ${found.line}`;
      process.stdout.write(`${next.mutant.name}\n    ${verdict}\n`);
    }
  };
  await Promise.all(Array.from({ length: Number(values.jobs) }, work));
  process.stdout.write(`${MUTANTS.length} mutants, ${survived} survived\n`);
  return survived === 0 ? 0 : 1;
}

async function hunt(index: number, seeds: string, from: string): Promise<Found> {
  const child = spawn(
    process.execPath,
    [SIMULATE, '--seeds', seeds, '--from', from, '--stop', '1', '--mutant', String(index)],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  let text = '';
  child.stdout.on('data', (chunk: Buffer) => {
    text += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    text += chunk.toString();
  });
  await new Promise((resolve) => child.on('close', resolve));
  const line = /^seed .*$/m.exec(text)?.[0] ?? null;
  const schedules = Number([...text.matchAll(/^(\d+) schedules/gm)].at(-1)?.[1] ?? 0);
  if (schedules === 0 && line === null) throw new Error(`${MUTANTS[index]?.name}: ${text.slice(0, 1_500)}`);
  return { name: MUTANTS[index]?.name ?? '', line: line === null ? null : line.slice(0, 220), schedules };
}

process.exitCode = await main();
