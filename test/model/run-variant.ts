import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ModelRunError, ModelToolError } from './errors.ts';
import type { Variant } from './variants.ts';

export interface VariantResult {
  readonly outcome: 'complete' | 'violated';
  readonly states: number;
  readonly depth: number;
  readonly megabytes: number;
  readonly seconds: number;
}

/** The longest that one search may take, in milliseconds. */
const LIMIT = 300_000;

/**
 * Builds the checker of one variant in a temporary directory and searches all of its states. A planted mistake is
 * looked for breadth first: its trail is a shortest one.
 * @throws ModelToolError where spin or a C compiler is missing; ModelRunError where the search was not complete.
 */
export function runVariant(variant: Variant): VariantResult {
  return within(variant, (directory) => search(variant, directory));
}

/** The steps of the shortest violation, a line each; empty where there is none. */
export function trailOf(variant: Variant): string {
  return within(variant, (directory) => {
    search(variant, directory);
    const trail = join(directory, `${variant.model}.pml.trail`);
    if (!existsSync(trail)) return '';
    const text = run(directory, 'spin', ['-t', '-k', trail, ...defines(variant), source(variant)], [0, 1]);
    return text.split(/\nspin: trail ends/)[0] ?? '';
  });
}

function within<Result>(variant: Variant, work: (directory: string) => Result): Result {
  const directory = mkdtempSync(join(tmpdir(), `pgwarden-model-${variant.name}-`));
  try {
    return work(directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function search(variant: Variant, directory: string): VariantResult {
  run(directory, 'spin', ['-a', ...defines(variant), source(variant)]);
  const order = variant.expect === 'fails' ? ['-DBFS'] : [];
  run(directory, 'cc', [
    '-O2',
    '-w',
    '-DSAFETY',
    '-DNOREDUCE',
    '-DCOLLAPSE',
    ...order,
    '-DMEMLIM=4000',
    '-o',
    'pan',
    'pan.c',
  ]);
  const text = run(directory, './pan', ['-m200000', '-n', '-E']);
  if (
    /search not completed|max search depth too small|out of memory/i.test(text) &&
    !/errors: 1/.test(text)
  ) {
    throw new ModelRunError(`the search of ${variant.name} was not complete:\n${text}`);
  }
  return {
    outcome: number(text, /errors: (\d+)/) > 0 ? 'violated' : 'complete',
    states: number(text, /(\d+) states, stored/),
    depth: number(text, /depth reached (\d+)/),
    megabytes: number(text, /([\d.]+)\s+total actual memory usage/),
    seconds: number(text, /elapsed time ([\d.e+-]+) seconds/),
  };
}

const defines = (variant: Variant): string[] => variant.defines.map((define) => `-D${define}`);

const source = (variant: Variant): string =>
  fileURLToPath(new URL(`./${variant.model}.pml`, import.meta.url));

function number(text: string, pattern: RegExp): number {
  const found = pattern.exec(text)?.[1];
  if (found === undefined) throw new ModelRunError(`the checker did not say ${pattern}:\n${text}`);
  return Number(found);
}

function run(
  cwd: string,
  program: string,
  args: readonly string[],
  accepted: readonly number[] = [0],
): string {
  const result = spawnSync(program, args, { cwd, encoding: 'utf8', timeout: LIMIT, maxBuffer: 1 << 26 });
  if ((result.error as NodeJS.ErrnoException | undefined)?.code === 'ENOENT') {
    throw new ModelToolError(
      `the models need the program ${program}, which is not in PATH`,
      'Debian: apt-get update && apt-get install -y spin gcc libc6-dev',
      { cause: result.error },
    );
  }
  if (result.status === null || !accepted.includes(result.status)) {
    throw new ModelRunError(
      `${program} ended with ${result.status ?? result.signal}:\n${result.stdout}${result.stderr}`,
    );
  }
  return result.stdout;
}
