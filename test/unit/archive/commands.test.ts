import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { archiveCommand, installAskScript, restoreCommand } from '../../../src/archive/commands.ts';
import { Spool } from '../../../src/archive/spool.ts';
import type { WalAnswer } from '../../../src/archive/wal/answers.ts';
import { serveWal } from '../../../src/archive/wal/wal-socket.ts';

const FILE = '000000010000000000000001';
let root = '';
let spool: Spool;
let end: AbortController;
let served: Promise<void>;
let asked: string[] = [];
let answer: WalAnswer = { status: 200, text: 'done' };

beforeEach(async () => {
  // A name that neither a shell nor Postgres may take for something else.
  root = join(await mkdtemp(join(tmpdir(), 'pgwarden-cmd-')), "it's 100%p");
  spool = new Spool(root);
  await spool.empty();
  await mkdir(join(root, 'pg_wal'));
  await writeFile(join(root, 'pg_wal', FILE), 'wal');
  asked = [];
  end = new AbortController();
  const handle = async (file: string): Promise<WalAnswer> => {
    asked.push(file);
    return answer;
  };
  const listening = Promise.withResolvers<void>();
  served = serveWal(join(root, 's'), { push: handle, fetch: handle }, end.signal, listening.resolve);
  await listening.promise;
});
afterEach(async () => {
  end.abort();
  await served;
  await rm(join(root, '..'), { recursive: true, force: true });
});

/** Runs a command as Postgres would: placeholders replaced, by sh, in the data directory. */
async function run(command: string): Promise<{ code: number; stderr: string }> {
  const text = command.replaceAll(/%([%fp])/g, (_, what: string) =>
    what === '%' ? '%' : what === 'f' ? FILE : `pg_wal/${FILE}`,
  );
  return await new Promise((resolve) => {
    execFile('sh', ['-c', text], { cwd: root }, (error, _stdout, stderr) =>
      resolve({ code: error === null ? 0 : Number(error.code), stderr }),
    );
  });
}

const places = async () => ({ spool, script: await installAskScript(root), socket: join(root, 's') });

test('archive_command asks nobody about what the spool has marked since', async () => {
  const past = new Date(Date.now() - 10_000);
  await utimes(join(root, 'pg_wal', FILE), past, past);
  await spool.markPushed(FILE);
  expect(await run(archiveCommand(await places()))).toEqual({ code: 0, stderr: '' });
  expect(asked).toEqual([]);
});

test('archive_command does not trust a mark that is older than the file', async () => {
  await spool.markPushed(FILE);
  const future = new Date(Date.now() + 10_000);
  await utimes(join(root, 'pg_wal', FILE), future, future);
  expect((await run(archiveCommand(await places()))).code).toBe(0);
  expect(asked).toEqual([FILE]);
});

test.each([
  [503, 1],
  [400, 1],
  [410, 126],
] as const)('archive_command that is answered %d exits with %d', async (status, code) => {
  answer = { status, text: 'the store\nis away' };
  expect(await run(archiveCommand(await places()))).toEqual({
    code,
    stderr: 'pgwarden: the store is away\n',
  });
});

test('archive_command exits with 1 where nobody answers, or Perl is missing', async () => {
  const nobody = { ...(await places()), socket: join(root, 'none') };
  const told = await run(archiveCommand(nobody));
  expect(told.code).toBe(1);
  expect(told.stderr).toContain('the agent does not answer');
  const command = archiveCommand(await places()).replace('perl ', 'no-such-perl ');
  expect((await run(command)).code).toBe(1);
});

test('restore_command moves what lies ready, and asks for what does not', async () => {
  answer = { status: 404, text: 'none', absent: true };
  const command = restoreCommand(await places(), 'recovery');
  expect((await run(command)).code).toBe(1);
  expect(asked).toEqual([FILE]);
  await spool.addFetched(FILE, (path) => writeFile(path, 'from the archive'));
  expect(await run(command)).toEqual({ code: 0, stderr: '' });
  expect(asked).toEqual([FILE]);
  expect(await spool.listFetched()).toEqual(new Set());
});

test('restore_command takes a 404 that does not speak of the archive for a fault', async () => {
  answer = { status: 404, text: 'Route POST:/v1/archive/fetch not found' };
  expect((await run(restoreCommand(await places(), 'recovery'))).code).toBe(200);
  answer = { status: 400, text: 'no name of a file of WAL' };
  expect((await run(restoreCommand(await places(), 'recovery'))).code).toBe(200);
});

test('restore_command of a recovery asks again while the agent still tries, that of a standby does not', async () => {
  answer = { status: 202, text: 'the store is slow' };
  const running = run(restoreCommand(await places(), 'recovery'));
  await expect.poll(() => asked.length, { timeout: 5_000 }).toBeGreaterThan(2);
  answer = { status: 404, text: 'none', absent: true };
  expect((await running).code).toBe(1);
  answer = { status: 202, text: 'the store is slow' };
  asked = [];
  expect((await run(restoreCommand(await places(), 'standby'))).code).toBe(1);
  expect(asked).toEqual([FILE]);
});

test('a script that is there already is not written again: a full volume starts', async () => {
  const path = await installAskScript(root);
  const before = await stat(path);
  await installAskScript(root);
  expect((await stat(path)).ino).toBe(before.ino);
  await writeFile(path, 'of an older version');
  await installAskScript(root);
  expect(await readFile(path, 'utf8')).toContain('#');
});

test.each([
  ['recovery', 200],
  ['standby', 1],
] as const)('restore_command in a %s exits with %d when the store fails', async (mode, code) => {
  answer = { status: 503, text: 'away' };
  expect((await run(restoreCommand(await places(), mode))).code).toBe(code);
  answer = { status: 200, text: 'but there is no file' };
  expect((await run(restoreCommand(await places(), mode))).code).toBe(code);
});
