import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Tally } from '../tally.ts';
import { WAYS } from './ways.ts';

const SIMULATE = fileURLToPath(new URL('../simulate.ts', import.meta.url));

/** The sizes of cluster that a mutant is hunted in by chance, and the kind of schedule; one after the other. */
const BY_CHANCE: readonly (readonly string[])[] = [
  ['--members', '3'],
  ['--members', '4'],
  ['--members', '2'],
  ['--members', '5'],
  ['--members', '3', '--long'],
];

export interface Found {
  /** The arguments that bring it about again. */
  readonly how: readonly string[];
  readonly seed: number;
  readonly rule: string;
  /** The whole line of the violation, and its smallest schedule, as JSON. */
  readonly line: string;
  readonly schedule: string;
}

export interface Hunt {
  /** Null: it survived. */
  readonly found: Found | null;
  readonly schedules: number;
}

/** Runs schedules against one mutant until one shows it: those of its script first, where it has one. */
export async function hunt(
  { index, name }: { readonly index: number; readonly name: string },
  { from, seeds }: { readonly from: number; readonly seeds: number },
): Promise<Hunt> {
  const way = WAYS[name];
  const hows =
    way === undefined
      ? BY_CHANCE
      : [['--members', String(way.members), '--script', way.script], ...BY_CHANCE];
  let schedules = 0;
  for (const how of hows) {
    const end = from + seeds;
    for (let next = from; next < end; ) {
      const range = ['--seeds', String(end - next), '--from', String(next)];
      const tally = JSON.parse(
        await simulate(['--stop', '1', '-o', 'json', ...how, ...range, '--mutant', String(index)]),
      ) as Tally;
      schedules += tally.schedules;
      const [violation] = tally.violations;
      if (violation === undefined) break;
      const at = violation.indexOf(' {"seed"');
      const schedule = violation.slice(at + 1);
      const seed = Number(/^seed (\d+)/.exec(violation)?.[1]);
      // What is violated without the mistake as well is another's fault.
      const without = await simulate(['--schedule', '-'], schedule);
      if (without.includes('"violation": null')) {
        const rule = /^seed \d+: ([^:]+):/.exec(violation)?.[1] ?? '';
        return { found: { how, seed, rule, line: violation.slice(0, at), schedule }, schedules };
      }
      next = seed + 1;
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
