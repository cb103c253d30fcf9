import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Range } from './main.ts';
import { type PlainTally, Tally } from './tally.ts';

const SIMULATE = fileURLToPath(new URL('./simulate.ts', import.meta.url));
/** Schedules that a process is given at a time. */
const PORTION = 500;

/** Shares a range of seeds out to processes; the worlds of a process share its globals. */
export async function sweepInProcesses(range: Range, jobs: number): Promise<Tally> {
  const total = new Tally();
  let next = range.from;
  const end = range.from + range.seeds;
  const work = async (): Promise<void> => {
    while (next < end && total.violations.length < range.stop) {
      const from = next;
      const seeds = Math.min(PORTION, end - from);
      next += seeds;
      const part = await portion({ ...range, from, seeds });
      total.merge(part);
      for (const line of part.violations) process.stdout.write(`${line}\n`);
      process.stderr.write(`${total.progress()} of ${range.seeds}\n`);
    }
  };
  await Promise.all(Array.from({ length: jobs }, work));
  return total;
}

async function portion({ from, seeds, members, stop }: Range): Promise<PlainTally> {
  const given = { '--from': from, '--seeds': seeds, '--members': members, '--stop': stop };
  const args = Object.entries(given).flatMap(([name, value]) => [name, String(value)]);
  const child = spawn(process.execPath, [SIMULATE, '--json', ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let text = '';
  let errors = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
  });
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    errors += chunk;
  });
  await new Promise((resolve) => child.on('close', resolve));
  const last = text.trim().split('\n').at(-1) ?? '';
  if (!last.startsWith('{')) throw new Error(`schedules from seed ${from} failed: ${errors.slice(-2_000)}`);
  return JSON.parse(last) as PlainTally;
}
