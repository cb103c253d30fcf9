import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';

const SIMULATE = fileURLToPath(new URL('../../simulation/simulate.ts', import.meta.url));
const run = promisify(execFile);

async function traceOf(...args: readonly string[]): Promise<string> {
  return (await run(process.execPath, [SIMULATE, '--trace', ...args])).stdout;
}

describe('a schedule that is run again', () => {
  it.each([
    ['three members', ['--seed', '1']],
    // Its trace names a cluster whose identifier is made up on the way.
    ['empty volumes', ['--seed', '2', '--long']],
  ])('tells the same in another process, byte for byte: %s', async (_, args) => {
    const [first, second] = await Promise.all([traceOf(...args), traceOf(...args)]);
    expect(first.split('\n').length).toBeGreaterThan(20);
    expect(second).toBe(first);
  });
});
