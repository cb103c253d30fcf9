import { existsSync } from 'node:fs';
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import type pg from 'pg';
import { request } from '../../src/commands/client/request.ts';
import type { DemoDescription } from '../../src/demo/describe.ts';
import { expectsQuorum } from '../../src/demo/expectation.ts';
import { isComplete, isProtected, type Observation, observe } from '../../src/demo/observe.ts';
import { obtainDemo } from '../../src/demo/obtain.ts';
import { type Demo, openDemo } from '../../src/demo/state.ts';
import type { ClusterStatus, MemberStatus } from '../../src/http/ports.ts';
import { abandon, connectReadWrite, connectTo, parseMultiHostUrl } from './connect.ts';
import { type WaitForOptions, waitFor } from './wait-for.ts';
import type { Writer } from './writer.ts';

/** The built program. */
export const MAIN = join(import.meta.dirname, '..', '..', 'dist', 'main.js');

export interface StartOptions {
  readonly members?: number;
  readonly env?: Record<string, string>;
  readonly timeoutSeconds?: number;
  /** Whether it archives, as a demo does by default; left out: it does not. */
  readonly archives?: boolean;
  /** Called when the directory is made, and before anything runs in it. */
  readonly prepare?: (demo: Demo) => Promise<void>;
}

export interface Fault {
  readonly what?: 'agent' | 'postgres' | 'all';
  readonly signal?: string;
  readonly stayDown?: boolean;
}

/** What a command printed, and how it ended (-1: by a signal). */
export interface Answer {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * A demo cluster in a directory of its own, for end-to-end tests and benchmarks:
 *
 *     await using cluster = await DemoCluster.start();
 *     const writer = await new Writer(cluster.url).start();
 *     await cluster.kill(await cluster.primary());
 *     await cluster.waitUntilComplete();
 *     await cluster.verify(writer);
 *
 * Leaving the scope kills and deletes it, unless PGWARDEN_TEST_KEEP is set (then the directory is named).
 */
export class DemoCluster implements AsyncDisposable {
  readonly dir: string;
  readonly url: string;
  readonly api: string;
  readonly #root: string;
  readonly #env: Record<string, string>;
  readonly #names: readonly string[];

  private constructor(root: string, description: DemoDescription, env: Record<string, string>) {
    this.#root = root;
    this.#env = env;
    this.dir = description.dir;
    this.url = description.url;
    this.api = description.api;
    this.#names = description.members.map(({ name }) => name);
  }

  /** Makes a cluster and waits until every standby streams. */
  static async start(options: StartOptions = {}): Promise<DemoCluster> {
    if (!existsSync(MAIN)) throw new Error(`${MAIN} is missing: npm run build`);
    const root = await mkdtemp(join(tmpdir(), 'pgwarden-e2e-'));
    // As root, Postgres's user has to get in.
    await chmod(root, 0o755);
    const dir = join(root, 'demo');
    const env = options.env ?? {};
    const timeout = String(options.timeoutSeconds ?? 120);
    const archives = options.archives ?? false;
    const args = ['demo', '--detach', '-o', 'json', '--dir', dir, '--timeout', timeout];
    if (!archives) args.push('--no-archive');
    try {
      if (options.prepare !== undefined)
        await options.prepare(
          await obtainDemo({ dir, members: options.members ?? 3, portBase: null, archives }),
        );
      const { stdout } = await runProgram([...args, '--members', String(options.members ?? 3)], env);
      return new DemoCluster(root, JSON.parse(stdout) as DemoDescription, env);
    } catch (error) {
      const logs = await tailOfLogs(dir, ['supervisor', 'api', 'pg-0', 'pg-1', 'pg-2']);
      await removeAll(root, dir);
      throw new Error(`the demo did not start: ${(error as Error).message}\n${logs}`, { cause: error });
    }
  }

  get names(): readonly string[] {
    return this.#names;
  }

  /** Runs `pgwarden ARGS --dir DIR`; rejects where it does not exit with 0. */
  pgwarden(...args: readonly string[]): Promise<Answer> {
    return runProgram([...args, '--dir', this.dir], this.#env);
  }

  /** As `pgwarden`, but any exit code is an answer. */
  async tryPgwarden(...args: readonly string[]): Promise<Answer> {
    const argv = [MAIN, ...args, '--dir', this.dir];
    const { exitCode, stdout, stderr } = await execa(process.execPath, argv, {
      env: this.#env,
      reject: false,
    });
    return { exitCode: exitCode ?? -1, stdout, stderr };
  }

  /** What `demo status -o json` prints now. */
  async describe(): Promise<DemoDescription> {
    return JSON.parse((await this.pgwarden('demo', 'status', '-o', 'json')).stdout) as DemoDescription;
  }

  async member(name: string): Promise<DemoDescription['members'][number]> {
    const found = (await this.describe()).members.find((member) => member.name === name);
    if (found === undefined) throw new TypeError(`no member ${name}`);
    return found;
  }

  /** What each member says of itself now; null where its agent does not answer. */
  async observe(): Promise<readonly Observation[]> {
    return observe(await openDemo(this.dir));
  }

  async status(name: string): Promise<MemberStatus | null> {
    return (await this.observe()).find(({ member }) => member.name === name)?.status ?? null;
  }

  /** `/v1/cluster` of one member; rejects where its agent does not answer. */
  async cluster(name: string): Promise<ClusterStatus> {
    const demo = await openDemo(this.dir);
    const path = demo.members.find((member) => member.name === name)?.socket ?? '';
    return (await request({ kind: 'socket', path }, { method: 'GET', path: '/v1/cluster' }, 5000))
      .body as ClusterStatus;
  }

  /** Every member that says that it serves as primary. */
  async primaries(): Promise<readonly string[]> {
    const observations = await this.observe();
    return observations.flatMap(({ member, status }) =>
      status?.role === 'primary' && status.open ? [member.name] : [],
    );
  }

  /** The one that serves as primary: waited for. */
  primary(options: WaitForOptions = {}): Promise<string> {
    return waitFor(
      'one primary that serves',
      async () => {
        const primaries = await this.primaries();
        return primaries.length === 1 ? primaries[0] : null;
      },
      options,
    );
  }

  async standbys(): Promise<readonly string[]> {
    const primary = await this.primary();
    return this.#names.filter((name) => name !== primary);
  }

  /** Signals processes of a member (default: SIGKILL to all of them). */
  async kill(name: string, { what = 'all', signal = 'KILL', stayDown = false }: Fault = {}): Promise<void> {
    const down = stayDown ? ['--stay-down'] : [];
    await this.pgwarden('demo', 'kill', name, '--what', what, '--signal', signal, ...down);
  }

  /** Undoes `kill`, without waiting for the outcome. */
  async revive(name: string): Promise<void> {
    await this.pgwarden('demo', 'revive', name, '--no-wait');
  }

  /** A query where writes go; retried until one member takes it. */
  async query<Row extends pg.QueryResultRow>(sql: string, values: readonly unknown[] = []): Promise<Row[]> {
    const { client } = await waitFor('a member that takes writes', () => connectReadWrite(this.url));
    try {
      return (await client.query<Row>(sql, [...values])).rows;
    } finally {
      abandon(client);
    }
  }

  /** A query at one member, as the application's user. */
  async queryMember<Row extends pg.QueryResultRow>(name: string, sql: string): Promise<Row[]> {
    const parsed = parseMultiHostUrl(this.url);
    const place = parsed.hosts[this.#names.indexOf(name)];
    if (place === undefined) throw new TypeError(`no member ${name}`);
    const client = await connectTo(parsed, place);
    try {
      return (await client.query<Row>(sql)).rows;
    } finally {
      abandon(client);
    }
  }

  /**
   * Waits until one primary serves, every other member streams from it, and (with more than one member, and unless
   * configured otherwise) commits wait for them: from then on any one member may be lost.
   */
  async waitUntilComplete(options: WaitForOptions = {}): Promise<void> {
    try {
      const quorum = await expectsQuorum(await openDemo(this.dir));
      await waitFor(
        'one primary, everyone else streaming',
        async () => {
          const observations = await this.observe();
          return isComplete(observations) && (!quorum || isProtected(observations));
        },
        { timeoutMillis: 90_000, ...options },
      );
    } catch (error) {
      const seen = (await this.observe())
        .map(
          ({ member, status }) =>
            `${member.name}: ${status?.role} ${status?.state} ${status?.lastDecision.reason}`,
        )
        .join('\n');
      throw new Error(`${(error as Error).message}\n${seen}\n${await this.logs()}`, { cause: error });
    }
  }

  /**
   * What must hold after every fault: one primary, all others streaming, every acknowledged row there on every
   * member, and no acknowledgement of a history that another had replaced. Stops the writer.
   */
  async verify(writer: Writer): Promise<void> {
    await this.waitUntilComplete();
    await writer.stop();
    const [position] = await this.query<{ lsn: string }>('SELECT pg_current_wal_insert_lsn() AS lsn');
    const standbys = await this.standbys();
    for (const name of standbys) {
      await waitFor(`${name} to replay what the primary wrote`, async () => {
        const sql = `SELECT pg_last_wal_replay_lsn() >= '${position?.lsn}'::pg_lsn AS there`;
        return (await this.queryMember<{ there: boolean }>(name, sql))[0]?.there;
      });
    }
    const parsed = parseMultiHostUrl(this.url);
    for (const [index, name] of this.#names.entries()) {
      const place = parsed.hosts[index];
      if (place === undefined) continue;
      const client = await connectTo(parsed, place);
      try {
        const missing = await writer.missingRows(client);
        if (missing.length > 0) {
          throw new Error(
            `${name} lost ${missing.length} acknowledged rows, such as ${missing.slice(0, 5).join(', ')}`,
          );
        }
      } finally {
        abandon(client);
      }
    }
    if (writer.stale.length > 0) {
      throw new Error(`two histories acknowledged: ${JSON.stringify(writer.stale.slice(0, 5))}`);
    }
  }

  async stop(): Promise<void> {
    await this.pgwarden('demo', 'stop');
  }

  /** Starts it again on the same directory. */
  async startAgain(timeoutSeconds = 120): Promise<DemoDescription> {
    const { stdout } = await this.pgwarden(
      'demo',
      'start',
      '-o',
      'json',
      '--timeout',
      String(timeoutSeconds),
    );
    return JSON.parse(stdout) as DemoDescription;
  }

  /** The last lines of every log. */
  logs(lines = 30): Promise<string> {
    return tailOfLogs(this.dir, [...this.#names, 'supervisor'], lines);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await removeAll(this.#root, this.dir);
  }
}

async function runProgram(args: readonly string[], env: Record<string, string>): Promise<Answer> {
  const { exitCode, stdout, stderr } = await execa(process.execPath, [MAIN, ...args], { env });
  return { exitCode: exitCode ?? -1, stdout, stderr };
}

async function removeAll(root: string, dir: string): Promise<void> {
  if (process.env.PGWARDEN_TEST_KEEP !== undefined) {
    await execa(process.execPath, [MAIN, 'demo', 'stop', '--now', '--dir', dir], { reject: false });
    process.stderr.write(`kept: ${dir}\n`);
    return;
  }
  await execa(process.execPath, [MAIN, 'demo', 'rm', '--force', '--dir', dir], { reject: false });
  await rm(root, { recursive: true, force: true });
}

async function tailOfLogs(dir: string, names: readonly string[], lines = 30): Promise<string> {
  const tails = await Promise.all(
    names.map(async (name) => {
      const text = await readFile(join(dir, 'logs', `${name}.log`), 'utf8').catch(() => '');
      return `== ${name}\n${text.trimEnd().split('\n').slice(-lines).join('\n')}`;
    }),
  );
  return tails.join('\n');
}
