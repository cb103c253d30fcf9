import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { progress } from './report.ts';
import type { Range } from './sweep.ts';
import { NOTHING, type Tally, together } from './tally.ts';

const SIMULATE = fileURLToPath(new URL('./simulate.ts', import.meta.url));
/** Schedules that a process is given at a time: enough for its code to be compiled, few enough to tell of progress. */
const PORTION = 5_000;

/** Shares a range of seeds out to processes; the worlds of a process share its globals. */
export async function sweepInProcesses(range: Range, jobs: number): Promise<Tally> {
  let total = NOTHING;
  let next = range.from;
  const begun = performance.now();
  const left = (): number => range.minutes - (performance.now() - begun) / 60_000;
  const end = range.from + range.seeds;
  const share = Math.min(PORTION, Math.ceil(range.seeds / jobs));
  const work = async (): Promise<void> => {
    while (next < end && total.violations.length < range.stop && left() > 0) {
      const from = next;
      const seeds = Math.min(share, end - from);
      next += seeds;
      const part = await portion({ ...range, from, seeds, minutes: left() });
      total = together(total, part);
      for (const line of part.violations) process.stdout.write(`${line}\n`);
      process.stderr.write(`${progress(total, range.seeds)}\n`);
    }
  };
  await Promise.all(Array.from({ length: jobs }, work));
  return total;
}

async function portion({ from, seeds, members, kind, stop, minutes }: Range): Promise<Tally> {
  const given = {
    '--from': from,
    '--seeds': seeds,
    '--members': members,
    '--stop': stop,
    '--minutes': minutes,
  };
  const args = Object.entries(given).flatMap(([name, value]) => [name, String(value)]);
  if (kind === 'long') args.push('--long');
  const child = spawn(process.execPath, ['--max-semi-space-size=32', SIMULATE, '--output', 'json', ...args], {
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
  await new Promise((resolve, reject) => child.on('close', resolve).on('error', reject));
  const last = text.trim().split('\n').at(-1) ?? '';
  if (!last.startsWith('{')) throw new Error(`schedules from seed ${from} failed: ${errors.slice(-2_000)}`);
  return JSON.parse(last) as Tally;
}
