import { expect, test } from 'vitest';
import { afterExit, NO_BACKOFF } from '../../../src/demo/backoff.ts';
import { changesBetween, type MemberView } from '../../../src/demo/changes.ts';
import { childEnvironment } from '../../../src/demo/child-environment.ts';
import { parseSignal } from '../../../src/demo/fault.ts';
import { DIRECTORY_MAX_BYTES, defaultDirectory, layoutOf, memberLayout } from '../../../src/demo/layout.ts';
import { chooseFreePorts, isFree, portsFrom } from '../../../src/demo/ports.ts';
import { cutLine } from '../../../src/demo/screen.ts';
import { connectionUrl } from '../../../src/demo/url.ts';
import { parseMultiHostUrl } from '../../e2e/connect.ts';

test('the URL names every member and finds the one that takes writes', () => {
  const url = connectionUrl({
    user: 'app',
    password: 'p@ss/word',
    database: 'app',
    hosts: [
      { host: '127.0.0.1', port: 20000 },
      { host: '127.0.0.1', port: 20001 },
    ],
  });
  expect(url).toBe(
    'postgresql://app:p%40ss%2Fword@127.0.0.1:20000,127.0.0.1:20001/app' +
      '?target_session_attrs=read-write&connect_timeout=2&tcp_user_timeout=1500',
  );
  expect(parseMultiHostUrl(url)).toMatchObject({
    password: 'p@ss/word',
    database: 'app',
    hosts: [{ port: 20000 }, { port: 20001 }],
    targetSessionAttrs: 'read-write',
    connectTimeoutMillis: 2000,
  });
});

test('ports from a base are one row without holes', () => {
  const ports = portsFrom(20000, 3);
  const all = [ports.api, ...ports.members.flatMap(({ port, httpPort }) => [port, httpPort])];
  expect(all.toSorted()).toEqual([20000, 20001, 20002, 20003, 20004, 20005, 20006]);
  expect(() => portsFrom(65530, 3)).toThrow('65530');
});

test('chosen ports are free', async () => {
  const ports = await chooseFreePorts(9, Math.random);
  expect(ports.members).toHaveLength(9);
  expect(await isFree(ports.api)).toBe(true);
});

test('a process that ends again and again is started later each time, and at once again after it was well', () => {
  let state = NO_BACKOFF;
  const pauses: number[] = [];
  for (const ran of [100, 100, 100, 100, 100, 60_000]) {
    const { next, pause } = afterExit(state, ran);
    state = next;
    pauses.push(pause);
  }
  expect(pauses).toEqual([1000, 2000, 4000, 8000, 10_000, 1000]);
});

test('only what changed is told, and a new primary as such', () => {
  const view = (member: Partial<MemberView>): MemberView => ({
    role: 'standby',
    activity: 'streaming',
    epoch: 1,
    ...member,
  });
  const before = new Map([
    ['pg-0', view({ role: 'primary', activity: 'serving' })],
    ['pg-1', view({})],
    ['pg-2', view({})],
  ]);
  const now = new Map([
    ['pg-0', view({ role: 'unknown', activity: 'no answer' })],
    ['pg-1', view({ role: 'primary', activity: 'serving', epoch: 2 })],
    ['pg-2', view({})],
  ]);
  expect(changesBetween(before, now)).toEqual(['pg-0: no answer', 'pg-1: primary of epoch 2 (serving)']);
});

test('what would change an agent is not passed on to it', () => {
  const passed = childEnvironment(
    {
      PATH: '/bin',
      LC_ALL: 'C.UTF-8',
      PGWARDEN_HTTP_PORT: '1',
      PGHOST: 'elsewhere',
      PGBIN: '/pg',
      NODE_OPTIONS: '--inspect',
    },
    '/home',
  );
  expect(passed).toEqual({
    MALLOC_ARENA_MAX: '2',
    HOME: '/home',
    PATH: '/bin',
    LC_ALL: 'C.UTF-8',
    PGBIN: '/pg',
  });
});

test.each([
  ['KILL', 'SIGKILL'],
  ['sigstop', 'SIGSTOP'],
  ['term', 'SIGTERM'],
])('%s is %s', (text, signal) => {
  expect(parseSignal(text)).toBe(signal);
});

test('what is no signal is refused', () => {
  expect(() => parseSignal('HARD')).toThrow('not a signal: HARD');
});

test('the sockets of the longest directory that is allowed fit their address', () => {
  const layout = layoutOf(`/${'d'.repeat(DIRECTORY_MAX_BYTES - 1)}`);
  const { socket, socketDirectory } = memberLayout(layout, 'pg-8');
  expect(Buffer.byteLength(`${socketDirectory}/.s.PGSQL.65535`)).toBeLessThan(108);
  expect(Buffer.byteLength(socket)).toBeLessThan(108);
});

test('PGWARDEN_DIR names the directory', () => {
  expect(defaultDirectory({ PGWARDEN_DIR: '/d' })).toBe('/d');
});

test('a line is cut to the width of the terminal, colours not counted', () => {
  expect(cutLine('\u001b[32mabc\u001b[39m', 3)).toBe('\u001b[32mabc\u001b[39m');
  expect(cutLine('\u001b[32mabcdef\u001b[39m', 3)).toBe('abc');
});
