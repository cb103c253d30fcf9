import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { findAgents } from '../../../src/commands/client/find.ts';
import { UsageError } from '../../../src/commands/errors.ts';

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'pgw-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

test('--socket wins over the environment', async () => {
  const found = await findAgents({ socket: '/a' }, { PGWARDEN_SOCKET: '/b', PGWARDEN_URL: 'http://c:8008' });
  expect(found).toEqual([{ kind: 'socket', path: '/a' }]);
});

test('--url takes the token from its file, without the line feed', async () => {
  const tokenFile = join(dir, 'token');
  await writeFile(tokenFile, 'abc\n');
  const [found] = await findAgents({ url: ['https://db-0:8008'], tokenFile }, { PGWARDEN_TOKEN: 'other' });
  expect(found).toMatchObject({ kind: 'url', token: 'abc' });
});

test('PGWARDEN_URL may name several agents', async () => {
  const found = await findAgents({}, { PGWARDEN_URL: 'http://a:8008,http://b:8008' });
  expect(found).toHaveLength(2);
});

test('two places at once are refused', async () => {
  await expect(findAgents({ socket: '/a', dir: '/b' }, {})).rejects.toThrow(UsageError);
});

test('what is no URL is refused', async () => {
  await expect(findAgents({ url: ['db-0:8008'] }, {})).rejects.toThrow(UsageError);
});

test('a token file that cannot be read is named', async () => {
  const tokenFile = join(dir, 'absent');
  await expect(findAgents({ url: ['http://a'], tokenFile }, {})).rejects.toThrow(tokenFile);
});

test('--dir means every member of the demo', async () => {
  const manifest = {
    format: 1,
    version: '0.1.0',
    stage: 'created',
    createdAt: '2026-01-01T00:00:00Z',
    cluster: 'pg',
    namespace: 'default',
    host: '127.0.0.1',
    apiPort: 20006,
    members: [
      { name: 'pg-0', port: 20000, httpPort: 20002 },
      { name: 'pg-1', port: 20001, httpPort: 20003 },
    ],
  };
  await writeFile(join(dir, 'demo.json'), JSON.stringify(manifest));
  const found = await findAgents({ dir }, {});
  expect(found).toEqual([
    { kind: 'socket', path: join(dir, 'run/pg-0/agent.sock'), member: 'pg-0' },
    { kind: 'socket', path: join(dir, 'run/pg-1/agent.sock'), member: 'pg-1' },
  ]);
  // The place is taken from the environment too.
  expect(await findAgents({}, { PGWARDEN_DIR: dir })).toEqual(found);
});
