import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { EmbeddedApi, type EmbeddedApiOptions } from '../../../src/demo/api/embedded-api.ts';
import type { EmbeddedApiError } from '../../../src/demo/api/errors.ts';
import { EmbeddedServer } from './embedded.ts';

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'pgwarden-start-'));
});

afterEach(async () => {
  await rm(directory, { recursive: true, force: true });
});

/** The error of a start that must fail; it must name its cause and a remedy. */
async function failure(options: Partial<EmbeddedApiOptions> = {}): Promise<EmbeddedApiError> {
  const api = new EmbeddedApi({ directory, host: '127.0.0.1', port: 0, ...options });
  const error: EmbeddedApiError = await api.run(new AbortController().signal).then(
    () => expect.unreachable('it started'),
    (thrown) => thrown,
  );
  await expect(api.ready).rejects.toBe(error);
  expect(error.remedy).not.toBe('');
  expect(api.address).toBeNull();
  return error;
}

test('a taken port is told, and the directory stays as it was', async () => {
  const other = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => other.once('listening', resolve));
  const { port } = other.address() as AddressInfo;
  const error = await failure({ port });
  other.close();
  expect(error.code).toBe('API_PORT_IN_USE');
  expect(error.message).toContain(String(port));
  expect(await readdir(directory)).toEqual([]);
});

test('a second API on a directory is refused while the first serves on', async () => {
  await using first = await EmbeddedServer.start();
  const error = await failure({ directory: first.directory });
  expect(error.code).toBe('API_DIRECTORY_IN_USE');
  const answer = await fetch(`${first.configuration.server}/readyz`);
  expect(answer.status).toBe(200);
});

test('a directory of somebody else is left alone', async () => {
  await writeFile(join(directory, 'PG_VERSION'), '17\n');
  const error = await failure();
  expect(error.code).toBe('API_FOREIGN_DIRECTORY');
  expect(error.message).toContain('PG_VERSION');
  expect(await readdir(directory)).toEqual(['PG_VERSION']);
});

test('a directory of another format is left alone', async () => {
  await writeFile(
    join(directory, 'pgwarden-embedded-api.json'),
    '{"kind":"pgwarden embedded API","format":99}',
  );
  const error = await failure();
  expect(error.code).toBe('API_UNSUPPORTED_FORMAT');
  expect(error.message).toContain('99');
});

test('a directory that is a file is told', async () => {
  await writeFile(join(directory, 'file'), '');
  expect((await failure({ directory: join(directory, 'file') })).code).toBe('API_DIRECTORY_ACCESS');
});

test('an address that is not loopback is refused', async () => {
  for (const host of ['0.0.0.0', '192.0.2.1', '::', 'example.com']) {
    expect((await failure({ host })).code, host).toBe('API_NOT_LOOPBACK');
  }
  expect(await readdir(directory)).toEqual([]);
});

test('a snapshot that is gone is told, and its log is left alone', async () => {
  await writeFile(
    join(directory, 'pgwarden-embedded-api.json'),
    '{"kind":"pgwarden embedded API","format":1}',
  );
  await writeFile(join(directory, 'log-0000000000000042'), '');
  expect((await failure()).code).toBe('API_STORE_CORRUPT');
  expect(await readdir(directory)).toHaveLength(2);
});

test('a start that was interrupted before its first snapshot begins again', async () => {
  await writeFile(join(directory, 'snapshot-0000000000000000.tmp'), 'half');
  await writeFile(
    join(directory, 'pgwarden-embedded-api.json'),
    '{"kind":"pgwarden embedded API","format":1}',
  );
  await writeFile(join(directory, 'log-0000000000000000'), '');
  await using server = await EmbeddedServer.start({ directory });
  const answer = await fetch(`${server.configuration.server}/api/v1/namespaces/default`);
  expect(answer.status).toBe(200);
});
