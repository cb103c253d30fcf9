import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ModelRunError } from './errors.ts';
import { runTool } from './tool.ts';
import type { Property, Variant } from './variants.ts';

export interface VariantResult {
  /** Null: every state was searched, and none violates anything. */
  readonly violated: Property | null;
  readonly states: number;
  readonly depth: number;
  readonly megabytes: number;
  /** Of the search alone. */
  readonly seconds: number;
  /** The steps to the violation, a line each. A planted mistake against safety is looked for breadth first: no way is shorter. */
  readonly trail: string;
}

/** The longest that one program may take, in milliseconds. */
const LIMIT = 300_000;
/** Megabytes that one search may take. */
const MEMORY = 4_000;
const DEEPEST = 200_000;

/**
 * Builds the checker of one variant in a temporary directory and searches all of its states, or up to a violation.
 * @throws ModelToolError where spin or a C compiler is missing; ModelRunError where the search was not complete.
 */
export async function runVariant(variant: Variant, signal?: AbortSignal): Promise<VariantResult> {
  const directory = await mkdtemp(join(tmpdir(), `pgwarden-model-${variant.name}-`));
  try {
    return await search(variant, { cwd: directory, limit: LIMIT, signal });
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

interface Place {
  readonly cwd: string;
  readonly limit: number;
  readonly signal: AbortSignal | undefined;
}

async function search(variant: Variant, place: Place): Promise<VariantResult> {
  const model = [...variant.defines.map((define) => `-D${define}`), source(variant)];
  await runTool('spin', ['-a', ...model], place);
  // What fails is found soon: optimising its checker would take longer than the search.
  await runTool(
    'cc',
    [variant.expect === 'fails' ? '-O0' : '-O2', '-w', ...checkerDefines(variant), '-o', 'pan', 'pan.c'],
    place,
  );
  // -a: acceptance cycles, of the never claim. -E: a state without a step is no violation of safety.
  const kind = variant.property === 'progress' ? '-a' : '-E';
  const text = await runTool('./pan', [kind, `-m${DEEPEST}`, '-n'], place);
  const violated = violation(text);
  const complete = !/search not completed|max search depth too small|out of memory/i.test(text);
  if (violated === null && !complete) {
    throw new ModelRunError(`the search of ${variant.name} was not complete:\n${text}`);
  }
  return {
    violated,
    states: number(text, /(\d+) states, stored/),
    depth: number(text, /depth reached (\d+)/),
    megabytes: number(text, /([\d.]+)\s+total actual memory usage/),
    seconds: number(text, /elapsed time ([\d.e+-]+) seconds/),
    trail: await trail(variant, model, place),
  };
}

function checkerDefines(variant: Variant): readonly string[] {
  const common = ['-DNOREDUCE', '-DCOLLAPSE', `-DMEMLIM=${MEMORY}`];
  if (variant.property === 'progress') return common;
  return [...common, '-DSAFETY', ...(variant.expect === 'fails' ? ['-DBFS'] : [])];
}

function violation(text: string): Property | null {
  if (number(text, /errors: (\d+)/) === 0) return null;
  if (/acceptance cycle/.test(text.split('wrote')[0] ?? '')) return 'progress';
  if (/assertion violated/.test(text)) return 'safety';
  throw new ModelRunError(`the checker found something that is neither an assertion nor a cycle:\n${text}`);
}

async function trail(variant: Variant, model: readonly string[], place: Place): Promise<string> {
  const file = join(place.cwd, `${variant.model}.pml.trail`);
  if (!existsSync(file)) return '';
  const text = await runTool('spin', ['-t', '-k', file, ...model], { ...place, accepted: [0, 1] });
  return (text.split(/\nspin: trail ends/)[0] ?? '').replaceAll(/^(Never claim moves|spin: ).*\n/gm, '');
}

const source = (variant: Variant): string =>
  fileURLToPath(new URL(`./${variant.model}.pml`, import.meta.url));

function number(text: string, pattern: RegExp): number {
  const found = pattern.exec(text)?.[1];
  if (found === undefined) throw new ModelRunError(`the checker did not say ${pattern}:\n${text}`);
  return Number(found);
}
