import { randomBytes } from 'node:crypto';
import { chmod, chown, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { agentUser } from '../../src/demo/agent-user.ts';
import { childEnvironment } from '../../src/demo/child-environment.ts';
import { chooseFreePorts } from '../../src/demo/ports.ts';
import { processesIn, sendSignal } from '../../src/demo/processes.ts';
import { connectionUrl } from '../../src/demo/url.ts';
import { abandon, connectTo, parseMultiHostUrl } from '../e2e/connect.ts';
import { waitFor } from '../e2e/wait-for.ts';
import { type PatroniMember, patroniConfig } from './patroni-config.ts';
import type { PatroniPrograms } from './patroni-packages.ts';
import { Respawned } from './respawned.ts';
import type { RowId } from './rows.ts';
import type { Subject, Undo } from './subject.ts';

const START = 180_000;

/** One member as Patroni's `GET /cluster` tells it. */
interface ClusterMember {
  readonly name: string;
  readonly role: string;
  readonly state: string;
  readonly timeline?: number;
}

/** Debian's Patroni: three members and one etcd on loopback, every interval as Patroni sets it by itself. */
export class PatroniSubject implements Subject {
  readonly description: string;
  readonly url: string;
  readonly #root: string;
  readonly #members: readonly PatroniMember[];
  readonly #programs = new Map<string, Respawned>();

  private constructor(root: string, description: string, url: string, members: readonly PatroniMember[]) {
    this.#root = root;
    this.description = description;
    this.url = url;
    this.#members = members;
  }

  static async start(programs: PatroniPrograms): Promise<PatroniSubject> {
    const root = await mkdtemp(join(tmpdir(), 'pgwarden-bench-'));
    await chmod(root, 0o755);
    const user = await agentUser();
    // A row for Postgres and REST, and one for etcd's two.
    const ports = await chooseFreePorts(4, Math.random);
    const members = ports.members.slice(0, 3).map(({ port, httpPort }, index) => ({
      name: `pg${index}`,
      port,
      restPort: httpPort,
      dataDirectory: join(root, 'members', `pg${index}`),
    }));
    const [etcdPort = 0, etcdPeerPort = 0] = ports.members
      .slice(3)
      .flatMap(({ port, httpPort }) => [port, httpPort]);
    const password = randomBytes(12).toString('base64url');
    const hosts = members.map(({ port }) => ({ host: '127.0.0.1', port }));
    const url = connectionUrl({ user: 'app', password, database: 'app', hosts });
    for (const path of ['members', 'run', 'etcd', 'logs']) {
      await mkdir(join(root, path), { mode: 0o700 });
      if (user !== null) await chown(join(root, path), user.uid, user.gid);
    }
    const subject = new PatroniSubject(root, `${programs.description} (ttl 30, loop_wait 10)`, url, members);
    const start = (name: string, command: string, args: readonly string[]): void => {
      const program = new Respawned({
        command,
        args,
        env: childEnvironment(process.env, join(root, 'run')),
        logFile: join(root, 'logs', `${name}.log`),
        ...(user === null ? {} : { user: { uid: user.uid, gid: user.gid } }),
      });
      program.up();
      subject.#programs.set(name, program);
    };
    try {
      start('etcd', programs.etcd, etcdArguments(join(root, 'etcd', 'data'), etcdPort, etcdPeerPort));
      const place = { etcdPort, binaries: programs.postgres, socketDirectory: join(root, 'run'), password };
      for (const member of members) {
        const file = join(root, 'run', `${member.name}.yaml`);
        await writeFile(file, patroniConfig(member, place), { mode: 0o600 });
        if (user !== null) await chown(file, user.uid, user.gid);
        start(member.name, programs.patroni, [file]);
      }
      await subject.waitUntilComplete();
      await subject.#makeDatabase(password);
      return subject;
    } catch (error) {
      const logs = await subject.logs();
      await subject[Symbol.asyncDispose]();
      throw new Error(`Patroni did not start: ${(error as Error).message}\n${logs}`, { cause: error });
    }
  }

  async #makeDatabase(password: string): Promise<void> {
    const place = await waitFor('a primary', async () => {
      const name = await this.primary();
      return this.#members.find((member) => member.name === name);
    });
    const parsed = { ...parseMultiHostUrl(this.url), user: 'postgres', database: 'postgres' };
    const client = await connectTo(parsed, { host: '127.0.0.1', port: place.port });
    try {
      await client.query(`CREATE ROLE app LOGIN PASSWORD '${password}'`);
      await client.query('CREATE DATABASE app OWNER app');
    } finally {
      abandon(client);
    }
  }

  async #cluster(): Promise<readonly ClusterMember[]> {
    for (const { restPort } of this.#members) {
      try {
        const answer = await fetch(`http://127.0.0.1:${restPort}/cluster`, {
          signal: AbortSignal.timeout(1_000),
        });
        return ((await answer.json()) as { members: ClusterMember[] }).members;
      } catch {
        // This one is down: the next tells.
      }
    }
    return [];
  }

  async primary(): Promise<string | null> {
    const leaders = (await this.#cluster()).filter(
      ({ role, state }) => role === 'leader' && state === 'running',
    );
    return leaders.length === 1 ? (leaders[0]?.name ?? null) : null;
  }

  /** A crashed Postgres is first started again where it was. */
  changesPrimary(row: RowId): boolean {
    return row !== 'postmaster';
  }

  async fault(row: RowId, primary: string): Promise<Undo> {
    const member = this.#members.find(({ name }) => name === primary);
    const program = this.#programs.get(primary);
    if (member === undefined || program === undefined) throw new TypeError(`no member ${primary}`);
    switch (row) {
      case 'kill': {
        const killed = program.hold('SIGKILL');
        for (const process of processesIn(member.dataDirectory)) sendSignal(process, 'SIGKILL');
        await killed;
        return async () => program.up();
      }
      case 'postmaster': {
        const pid = Number(
          (await readFile(join(member.dataDirectory, 'postmaster.pid'), 'utf8')).split('\n')[0],
        );
        process.kill(pid, 'SIGKILL');
        return async () => {};
      }
      case 'switchover': {
        const answer = await fetch(`http://127.0.0.1:${member.restPort}/switchover`, {
          method: 'POST',
          body: JSON.stringify({ leader: primary }),
          signal: AbortSignal.timeout(60_000),
        });
        if (!answer.ok) throw new Error(`switchover: ${answer.status} ${await answer.text()}`);
        return async () => {};
      }
      case 'freeze':
      case 'network':
        throw new TypeError(`${row} is not measured with Patroni`);
    }
  }

  async waitUntilComplete(): Promise<void> {
    await waitFor(
      'one leader, everyone else streaming, one of them synchronous',
      async () => {
        const members = await this.#cluster();
        const leader = members.find(({ role }) => role === 'leader');
        const others = members.filter((member) => member !== leader);
        return (
          leader?.state === 'running' &&
          others.length === this.#members.length - 1 &&
          others.every(({ state, timeline }) => state !== 'stopped' && timeline === leader.timeline) &&
          others.every(({ state }) => state === 'streaming' || state === 'running') &&
          others.some(({ role }) => role === 'sync_standby')
        );
      },
      { timeoutMillis: START, intervalMillis: 250 },
    );
  }

  async logs(): Promise<string> {
    const tails = [...this.#programs.keys()].map(async (name) => {
      const text = await readFile(join(this.#root, 'logs', `${name}.log`), 'utf8').catch(() => '');
      return `== ${name}\n${text.trimEnd().split('\n').slice(-20).join('\n')}`;
    });
    return (await Promise.all(tails)).join('\n');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#programs.values()].map((program) => program.hold('SIGKILL')));
    await waitFor('the members to be gone', () => {
      const left = processesIn(join(this.#root, 'members'));
      for (const process of left) sendSignal(process, 'SIGKILL');
      return left.length === 0;
    });
    await rm(this.#root, { recursive: true, force: true });
  }
}

function etcdArguments(directory: string, port: number, peerPort: number): string[] {
  const client = `http://127.0.0.1:${port}`;
  const peer = `http://127.0.0.1:${peerPort}`;
  return [
    ...['--data-dir', directory, '--name', 'bench', '--initial-cluster', `bench=${peer}`],
    ...['--listen-client-urls', client, '--advertise-client-urls', client],
    ...['--listen-peer-urls', peer, '--initial-advertise-peer-urls', peer],
  ];
}
