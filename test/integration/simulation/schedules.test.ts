import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { MUTANTS } from '../../simulation/mutants/mutants.ts';

const run = promisify(execFile);
const SIMULATE = fileURLToPath(new URL('../../simulation/simulate.ts', import.meta.url));

/** In a process of its own: it exchanges timers, chance and modules before the product is imported. */
async function simulate(
  ...args: readonly string[]
): Promise<{ readonly code: number; readonly text: string }> {
  try {
    const { stdout } = await run(process.execPath, [SIMULATE, ...args], { maxBuffer: 64 * 1024 ** 2 });
    return { code: 0, text: stdout };
  } catch (error) {
    const failed = error as { readonly code?: number; readonly stdout?: string; readonly stderr?: string };
    return { code: failed.code ?? -1, text: `${failed.stdout ?? ''}${failed.stderr ?? ''}` };
  }
}

describe('the protocol under hostile schedules', () => {
  it.each([
    { members: 3, seeds: 1_200 },
    { members: 2, seeds: 300 },
    { members: 5, seeds: 100 },
    { members: 1, seeds: 30 },
  ])('keeps its promises with $members members in $seeds schedules', async ({ members, seeds }) => {
    const { code, text } = await simulate(
      '--seeds',
      String(seeds),
      '--members',
      String(members),
      '--jobs',
      '2',
    );
    expect(text.split('\n').filter((line) => line.startsWith('seed '))).toEqual([]);
    expect(code).toBe(0);
  });

  it('gives the same trace for the same seed, byte for byte', async () => {
    const first = await simulate('--seed', '7', '--trace');
    const second = await simulate('--seed', '7', '--trace');
    expect(first.text.length).toBeGreaterThan(1_000);
    expect(second.text).toBe(first.text);
  });

  it('finds a planted mistake', async () => {
    const index = MUTANTS.findIndex((mutant) => mutant.name === 'positions are not compared at all');
    const { code, text } = await simulate('--seeds', '300', '--stop', '1', '--mutant', String(index));
    expect(text).toContain('no acknowledged commit is lost');
    expect(code).toBe(1);
  });
});
