import { chmod, chown, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { ensurePackages } from '../../../scripts/setup/pooler-tools.mjs';
import { agentUser } from '../../../src/demo/agent-user.ts';
import { Console } from '../../../src/pooler/console.ts';
import { type PoolerState, START } from '../../../src/pooler/decide.ts';
import { ADMIN, type IniOptions, renderIni, renderUsers } from '../../../src/pooler/ini.ts';
import { freePort, RunningProgram } from '../../e2e/pooler/running-program.ts';

const PROGRAM = '/usr/sbin/pgbouncer';
const missing = await ensurePackages({ [PROGRAM]: 'pgbouncer' });

describe.skipIf(missing !== null)(`the console of PgBouncer ${missing ?? ''}`, () => {
  let directory: string;
  let program: RunningProgram;
  let options: IniOptions;
  let console: Console;
  const state: PoolerState = { ...START, primary: { host: '127.0.0.1', port: 1 }, epoch: 1 };

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'pgwarden-console-'));
    options = {
      databases: ['app', 'my-db', 'a.b'],
      listen: '127.0.0.1',
      port: await freePort(),
      directory,
      poolMode: 'transaction',
      poolSize: 5,
      clients: 100,
      authUser: null,
      tls: null,
    };
    await writeFile(join(directory, 'pgbouncer.ini'), renderIni(options, state));
    await writeFile(join(directory, 'userlist.txt'), renderUsers([{ name: ADMIN, password: 'a"b' }]));
    await chmod(directory, 0o755);
    const user = await agentUser();
    if (user !== null) await chown(directory, user.uid, user.gid);
    program = new RunningProgram(PROGRAM, [join(directory, 'pgbouncer.ini')], {
      ...(user === null ? {} : { uid: user.uid, gid: user.gid }),
    });
    console = new Console(directory, options.port, 'a"b');
    await vi.waitFor(() => console.reload(0), { timeout: 10_000, interval: 50 });
  });
  afterAll(async () => {
    await program?.[Symbol.asyncDispose]();
    await rm(directory, { recursive: true, force: true });
  });

  it('reads its file again, with every name of a database that is let through', async () => {
    await console.reload(100);
    expect(program.output).not.toMatch(/syntax error|FATAL/);
  });

  it('says that a database is drained where no transaction runs', async () => {
    for (const name of options.databases) {
      const { drained } = await console.pause(name, 2_000, 100);
      expect(await drained, name).toBe(true);
    }
    for (const name of options.databases) await console.resume(name);
  });

  it('takes a resume of what is not paused for done', async () => {
    await console.resume('app');
    await console.resume('app');
  });

  it('refuses what has another password', async () => {
    await expect(new Console(directory, options.port, 'other').reload(0)).rejects.toThrow(/authentication/i);
  });
});
