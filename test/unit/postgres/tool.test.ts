import { describe, expect, test } from 'vitest';
import { identityOf } from '../../../src/demo/processes.ts';
import { runTool } from '../../../src/postgres/process/tool.ts';

/** A program with a second process, which tells its pid and shares its output, as pg_basebackup has one. */
const withSecond = (end: string) => ({
  name: 'two',
  file: 'sh',
  arguments: ['-c', `sleep 60 & echo "$!" >&2; ${end}`],
});

/** A zombie that nobody has waited for yet has ended. */
const isRunning = (pid: number): boolean => identityOf(pid) !== null;

describe('a program of several processes', () => {
  test('has ended with all of them once it is aborted', async () => {
    const aborted = new AbortController();
    let second = 0;
    const onErrorLine = (line: string) => {
      second = Number(line);
      aborted.abort();
    };
    const run = runTool({ ...withSecond('wait'), onErrorLine }, aborted.signal);
    await expect(run).rejects.toMatchObject({ code: 'CANCELLED' });
    expect(second).toBeGreaterThan(0);
    // Its output is closed a moment before it is gone.
    await expect.poll(() => isRunning(second)).toBe(false);
  });

  test('has ended with all of them when the first of them is killed by somebody else', async () => {
    let second = 0;
    const onErrorLine = (line: string) => {
      second = Number(line);
    };
    const run = runTool({ ...withSecond('kill -KILL $$'), onErrorLine }, AbortSignal.timeout(10_000));
    await expect(run).rejects.toMatchObject({ code: 'TOOL_FAILED' });
    // Its output is closed a moment before it is gone.
    await expect.poll(() => isRunning(second)).toBe(false);
  });
});
