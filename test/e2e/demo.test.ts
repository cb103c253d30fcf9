import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chmod, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { DemoDescription } from '../../src/demo/describe.ts';
import { layoutOf } from '../../src/demo/layout.ts';
import { identityOf, processesIn } from '../../src/demo/processes.ts';
import { runningProcess, SUPERVISOR } from '../../src/demo/run-files.ts';
import { compareLsn, LSN_ZERO, type Lsn } from '../../src/ha/lsn.ts';
import { DemoCluster, MAIN } from './cluster.ts';
import { waitFor } from './wait-for.ts';
import { Writer } from './writer.ts';

/** Runs, and is more than the zombie of a process that nobody has waited for yet. */
const alive = (pid: number | null): boolean => pid !== null && identityOf(pid) !== null;

/** Every process of a demo, by its description. */
const pidsOf = ({ members }: DemoDescription): (number | null)[] =>
  members.flatMap(({ agentPid, postgresPid }) => [agentPid, postgresPid]);

describe('a demo in the background', () => {
  let cluster: DemoCluster;
  beforeAll(async () => {
    cluster = await DemoCluster.start({ archives: true });
  });
  afterAll(() => cluster?.[Symbol.asyncDispose]());

  test('is described as one JSON object, with one primary and everything running', async () => {
    const description = await cluster.describe();
    expect(description).toMatchObject({ dir: cluster.dir, url: cluster.url, api: cluster.api });
    expect(description.members.map(({ name }) => name)).toEqual(['pg-0', 'pg-1', 'pg-2']);
    expect(description.members.map(({ role }) => role).toSorted()).toEqual(['primary', 'standby', 'standby']);
    expect(pidsOf(description).every(alive)).toBe(true);
  });

  test('takes writes through the URL that it prints', async () => {
    await cluster.query('CREATE TABLE notes (id int PRIMARY KEY)');
    await cluster.query('INSERT INTO notes VALUES (1)');
    expect(await cluster.query('SELECT id FROM notes')).toEqual([{ id: 1 }]);
  });

  test('is shown by pgwarden status --dir, whichever member is asked', async () => {
    const { stdout } = await cluster.pgwarden('status', '-o', 'json');
    const status = JSON.parse(stdout) as { primary: string; members: { name: string; streaming: boolean }[] };
    expect(status.primary).toBe(await cluster.primary());
    expect(status.members.filter(({ streaming }) => streaming)).toHaveLength(2);
  });

  test('archives to a directory of its own, from the first transaction on', async () => {
    const [row] = await cluster.query<{ lsn: Lsn }>('SELECT pg_current_wal_flush_lsn() AS lsn');
    await waitFor('the archive to have it', async () => {
      const archive = (await cluster.status(await cluster.primary()))?.archive;
      expect(archive?.failing ?? []).toEqual([]);
      const position = archive?.tail?.position;
      return position !== undefined && compareLsn(position, row?.lsn ?? LSN_ZERO) >= 0;
    });
    const { archive } = layoutOf(cluster.dir);
    expect(await readdir(join(archive, 'pgwarden'))).toEqual(
      expect.arrayContaining(['identity.json', 'tail']),
    );
  });

  test('refuses a second start and its own removal while it runs, and goes on', async () => {
    const again = await cluster.tryPgwarden('demo', '--detach', '-o', 'json');
    expect(again.exitCode).toBe(1);
    expect(JSON.parse(again.stderr)).toMatchObject({ error: { code: 'ALREADY_RUNNING' } });
    const removal = await cluster.tryPgwarden('demo', 'rm');
    expect(removal.exitCode).toBe(1);
    await cluster.waitUntilComplete();
  });

  test('starts an agent again that was killed, with nobody asking, and nothing is lost', async () => {
    const writer = await new Writer(cluster.url, { connections: 4 }).start();
    const victim = await cluster.primary();
    const before = await cluster.member(victim);
    await cluster.kill(victim);
    await waitFor('another primary', async () => (await cluster.primary()) !== victim);
    await cluster.verify(writer);
    expect((await cluster.member(victim)).agentPid).not.toBe(before.agentPid);
  });

  test('keeps an agent down that is to stay down, until it is revived', async () => {
    const [standby = ''] = await cluster.standbys();
    await cluster.kill(standby, { stayDown: true });
    await waitFor('the agent to be gone', async () => (await cluster.member(standby)).agentPid === null);
    // A supervisor that took no notice would have started it within a second.
    await expect(
      waitFor('it to come back', async () => (await cluster.member(standby)).agentPid !== null, {
        timeoutMillis: 3000,
      }),
    ).rejects.toThrow();
    await cluster.pgwarden('demo', 'revive', standby);
    await cluster.waitUntilComplete();
  });

  test('stops without leaving anything, keeps its data, and goes on where it was', async () => {
    const running = await cluster.describe();
    const [before] = await cluster.query('SELECT system_identifier FROM pg_control_system()');
    await cluster.stop();
    expect(pidsOf(running).some(alive)).toBe(false);
    expect(processesIn(cluster.dir)).toEqual([]);
    const stopped = await cluster.describe();
    expect(pidsOf(stopped).every((pid) => pid === null)).toBe(true);
    expect(stopped.url).toBe(running.url);

    const started = await cluster.startAgain();
    expect(started.members.map(({ role }) => role).toSorted()).toEqual(['primary', 'standby', 'standby']);
    expect(await cluster.query('SELECT system_identifier FROM pg_control_system()')).toEqual([before]);
    expect(await cluster.query('SELECT id FROM notes')).toEqual([{ id: 1 }]);
  });
});

describe('a demo in the foreground', () => {
  let root: string;
  let dir: string;
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'pgwarden-e2e-'));
    await chmod(root, 0o755);
    dir = join(root, 'demo');
  });
  afterEach(async () => {
    await execa(process.execPath, [MAIN, 'demo', 'rm', '--force', '--dir', dir], { reject: false });
    await rm(root, { recursive: true, force: true });
  });

  const start = async () => {
    const child = execa(process.execPath, [MAIN, 'demo', '--members', '2', '--dir', dir], {
      reject: false,
      all: true,
    });
    let text = '';
    child.all.on('data', (chunk) => {
      text += chunk;
    });
    const ready = waitFor('it to say what to try', () => text.includes('Try:'), { timeoutMillis: 120_000 });
    const ended = child.then(() => {
      throw new Error(`it ended: ${text}`);
    });
    ended.catch(() => {});
    await Promise.race([ready, ended]);
    const { stdout } = await execa(process.execPath, [MAIN, 'demo', 'status', '-o', 'json', '--dir', dir]);
    return { child, description: JSON.parse(stdout) as DemoDescription };
  };

  test('shows the URL and stops everything on Ctrl-C', async () => {
    const { child, description } = await start();
    child.kill('SIGINT');
    const { exitCode, stdout } = await child;
    expect(exitCode).toBe(0);
    expect(stdout).toContain(description.url);
    expect(pidsOf(description).some(alive)).toBe(false);
  });

  test('leaves nothing running when it is killed itself', async () => {
    const { child, description } = await start();
    child.kill('SIGKILL');
    await child;
    await waitFor('everything to be gone', () => !pidsOf(description).some(alive));
    await waitFor('the supervisor to be gone', () => runningProcess(layoutOf(dir), SUPERVISOR) === null);
  });

  test('kills everything at once on a second Ctrl-C', async () => {
    const { child, description } = await start();
    // Frozen agents would take their whole grace to be stopped in order.
    for (const { agentPid } of description.members) process.kill(agentPid ?? 0, 'SIGSTOP');
    child.kill('SIGINT');
    await waitFor(
      'the first to be taken',
      async () => {
        child.kill('SIGINT');
        return child.exitCode !== null;
      },
      { intervalMillis: 1000, timeoutMillis: 20_000 },
    );
    expect(pidsOf(description).some(alive)).toBe(false);
  });
});

describe('a directory that is no place for a demo', () => {
  let root: string;
  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'pgwarden-e2e-'));
    await chmod(root, 0o755);
  });
  afterAll(() => rm(root, { recursive: true, force: true }));

  const demo = (...args: string[]) =>
    execa(process.execPath, [MAIN, 'demo', '--detach', '-o', 'json', ...args], { reject: false });

  test("is left alone when it holds other people's files", async () => {
    const dir = await mkdtemp(join(root, 'foreign-'));
    await writeFile(join(dir, 'thesis.tex'), 'x');
    const { exitCode, stderr } = await demo('--dir', dir);
    expect(exitCode).toBe(2);
    expect(JSON.parse(stderr)).toMatchObject({ error: { code: 'FOREIGN_DIRECTORY' } });
    expect(await readdir(dir)).toEqual(['thesis.tex']);
  });

  test('is left alone when another version made it', async () => {
    const dir = await mkdtemp(join(root, 'old-'));
    const manifest = JSON.stringify({ format: 0, version: '0.0.1' });
    await writeFile(join(dir, 'demo.json'), manifest);
    const { exitCode, stderr } = await demo('--dir', dir);
    expect(exitCode).toBe(1);
    expect(JSON.parse(stderr)).toMatchObject({ error: { code: 'OTHER_VERSION' } });
    expect(await readFile(join(dir, 'demo.json'), 'utf8')).toBe(manifest);
  });

  test('is not made when a port is busy', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    const dir = join(root, 'busy');
    const { exitCode, stderr } = await demo('--dir', dir, '--port-base', String(port));
    server.close();
    expect(exitCode).toBe(1);
    expect(JSON.parse(stderr)).toMatchObject({ error: { code: 'PORT_BUSY' } });
    expect(existsSync(dir)).toBe(false);
  });
});
