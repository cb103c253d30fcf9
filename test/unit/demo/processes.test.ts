import { expect, test } from 'vitest';
import {
  identityOf,
  isAlive,
  processesIn,
  processesOfSession,
  sendSignal,
  waitUntilGone,
} from '../../../src/demo/processes.ts';

const own = identityOf(process.pid);

test('a process that runs has an identity', () => {
  expect(own).not.toBeNull();
  expect(own !== null && isAlive(own)).toBe(true);
});

test('a number that is none has no identity', () => {
  expect(identityOf(2 ** 22 + 1)).toBeNull();
});

test('the same number of another start is another process, and gets no signal', async () => {
  if (own === null) throw new Error('unreachable');
  const earlier = { ...own, startTime: '1' };
  expect(isAlive(earlier)).toBe(false);
  expect(sendSignal(earlier, 'SIGKILL')).toBe(false);
  expect(await waitUntilGone([earlier], 1000)).toEqual([]);
});

test('processes are found by their working directory', () => {
  expect(processesIn(process.cwd()).map(({ pid }) => pid)).toContain(process.pid);
  expect(processesIn('/nonexistent')).toEqual([]);
});

test('a session that nobody leads has no processes', () => {
  expect(processesOfSession(2 ** 22 + 1)).toEqual([]);
});

test('what does not go is returned after the time', async () => {
  if (own === null) throw new Error('unreachable');
  expect(await waitUntilGone([own], 60)).toEqual([own]);
});
