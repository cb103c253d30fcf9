import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFile, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import { Archiver, type ArchiverOptions } from '../../../src/archive/archiver.ts';
import {
  archiveCommand,
  type CommandPlaces,
  installAskScript,
  restoreCommand,
} from '../../../src/archive/commands.ts';
import type { ArchiveIdentity } from '../../../src/archive/identity.ts';
import { type ArchiveSettings, openArchive } from '../../../src/archive/opened-archive.ts';
import { Spool } from '../../../src/archive/spool.ts';
import { answerFetch, answerPush, type WalAnswer } from '../../../src/archive/wal/answers.ts';
import { WalFetcher, type WalFetcherOptions } from '../../../src/archive/wal/fetcher.ts';
import type { Followed, Permission } from '../../../src/archive/wal/permit.ts';
import { WALG_LAYOUT } from '../../../src/archive/wal/source.ts';
import { serveWal } from '../../../src/archive/wal/wal-socket.ts';
import type { Lsn } from '../../../src/ha/lsn.ts';
import { timelineId } from '../../../src/ha/units.ts';
import { Wakeup } from '../../../src/kubernetes/wakeup.ts';
import { findBinaries } from '../../../src/postgres/find-binaries.ts';
import { readHistory } from '../../../src/postgres/volume/timeline-history.ts';
import { freePort } from '../../s3/server.ts';

const run = promisify(execFile);
export const SEGMENT = 1024 ** 2;
export const IDENTITY: ArchiveIdentity = { clusterUID: 'uid-1', generation: 1, systemIdentifier: '1' };
const READY_WITHIN = 60_000;

/** A Postgres that archives through a real Archiver, as an agent makes it, without the agent. */
export class ArchivedPostgres implements AsyncDisposable {
  readonly volume: string;
  readonly port: number;
  readonly spool: Spool;
  readonly events: { readonly event: string; readonly message: string }[] = [];
  /** Up to where the archiver may go; null: as far as Postgres has flushed. */
  confirmed: Lsn | null = null;
  /** What it follows as a standby; null: timeline 1, not settled. */
  follows: Followed | null = null;
  /** Null: it may archive. */
  forbidden: string | null = null;
  #flushed: Lsn = '0/0' as Lsn;
  #permission: Permission = { reach: null, reason: 'it starts', follows: null };
  #process: ChildProcess | null = null;
  #archiver: Archiver | null = null;
  #end: AbortController | null = null;
  #running: Promise<unknown> = Promise.resolve();
  #client: pg.Client | null = null;
  log = '';

  private constructor(volume: string, port: number) {
    this.volume = volume;
    this.port = port;
    this.spool = new Spool(volume);
    process.once('exit', this.#kill);
  }

  readonly #kill = (): void => void this.#process?.kill('SIGKILL');

  /** A directory with a fresh cluster, or a copy of a running one; `wal`: where the copy takes its first WAL from. */
  static async make(
    copyOf?: ArchivedPostgres,
    wal: 'archive' | 'server' = 'archive',
  ): Promise<ArchivedPostgres> {
    const server = new ArchivedPostgres(await mkdtemp(join(tmpdir(), 'pgwarden-wal-')), await freePort());
    const { directory } = await findBinaries(null);
    await mkdir(join(server.volume, 'run'));
    await server.spool.empty();
    if (copyOf === undefined) {
      const args = ['-D', server.data, '-U', 'postgres', '--wal-segsize=1', '--no-sync', '-A', 'trust'];
      await run(join(directory, 'initdb'), args);
    } else {
      const args = ['-D', server.data, '-h', '127.0.0.1', '-p', `${copyOf.port}`, '-U', 'postgres'];
      await run(join(directory, 'pg_basebackup'), [
        ...args,
        '-X',
        wal === 'archive' ? 'none' : 'stream',
        '-c',
        'fast',
        '--no-sync',
      ]);
    }
    await appendFile(join(server.data, 'postgresql.auto.conf'), await server.#settings());
    return server;
  }

  get data(): string {
    return join(this.volume, 'data');
  }

  get wal(): string {
    return join(this.data, 'pg_wal');
  }

  get socket(): string {
    return join(this.volume, 'run', 's');
  }

  get archiver(): Archiver {
    if (this.#archiver === null) throw new Error('there is no archiver');
    return this.#archiver;
  }

  async places(): Promise<CommandPlaces> {
    return { spool: this.spool, script: await installAskScript(this.volume), socket: this.socket };
  }

  /** After a rewind, which took its source's settings along. */
  async settleAgain(more: readonly string[]): Promise<void> {
    await appendFile(join(this.data, 'postgresql.auto.conf'), await this.#settings());
    await this.configure(more);
  }

  async configure(lines: readonly string[]): Promise<void> {
    await appendFile(join(this.data, 'postgresql.auto.conf'), `${lines.join('\n')}\n`);
  }

  /** Makes it recover from the archive at its next start; `fetch` answers restore_command. */
  async recoverFrom(more: readonly string[] = []): Promise<void> {
    const command = restoreCommand(await this.places(), 'recovery').replaceAll("'", "''");
    await this.configure([`restore_command = '${command}'`, 'recovery_target_action = promote', ...more]);
    await appendFile(join(this.data, 'recovery.signal'), '');
  }

  async start(ready = true): Promise<void> {
    const { directory } = await findBinaries(null);
    const child = spawn(join(directory, 'postgres'), ['-D', this.data], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    this.#process = child;
    child.stderr?.on('data', (text) => {
      this.log += text;
    });
    if (!ready) return;
    const until = Date.now() + READY_WITHIN;
    for (;;) {
      const client = await this.#connect().catch(() => null);
      if (client !== null) {
        this.#client = client;
        return;
      }
      if (child.exitCode !== null || Date.now() > until)
        throw new Error(`Postgres did not start:\n${this.log}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  /** Resolves when Postgres is gone by itself. */
  async exited(): Promise<void> {
    const child = this.#process;
    if (child !== null && child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  }

  async query<R extends pg.QueryResultRow>(text: string): Promise<R[]> {
    if (this.#client === null) throw new Error('it does not run');
    return (await this.#client.query<R>(text)).rows;
  }

  /** The only value of the only row. */
  async value<T>(text: string): Promise<T> {
    const [row] = await this.query(text);
    return Object.values(row ?? {})[0] as T;
  }

  /** Fills so many segments. */
  async fill(segments: number): Promise<void> {
    for (let i = 0; i < segments; i++) {
      await this.query("select pg_logical_emit_message(true, 'fill', repeat(md5(random()::text), 20000))");
      await this.query('select pg_switch_wal()');
    }
  }

  /** The archiver and the socket, as an agent would run them. */
  async startArchiver(settings: ArchiveSettings, change: Partial<ArchiverOptions> = {}): Promise<void> {
    await this.spool.empty();
    await this.look();
    this.#end = new AbortController();
    const { signal } = this.#end;
    const archiver = new Archiver({
      settings,
      spool: this.spool,
      walDirectory: this.wal,
      identity: () => IDENTITY,
      permission: () => this.#permission,
      segmentBytes: () => SEGMENT,
      parallel: 4,
      tailInterval: 200,
      log: (_level, event, message) => void this.events.push({ event, message }),
      sleeper: new Wakeup(),
      ...change,
    });
    this.#archiver = archiver;
    const push = (file: string, asked: AbortSignal): Promise<WalAnswer> =>
      answerPush(file, (name) => archiver.push(name, asked));
    const listening = Promise.withResolvers<void>();
    const looks = setInterval(() => void this.look().catch(() => undefined), 50);
    signal.addEventListener('abort', () => clearInterval(looks));
    this.#running = Promise.all([
      archiver.run(signal),
      serveWal(this.socket, { push }, signal, listening.resolve),
    ]);
    await listening.promise;
  }

  /** Answers restore_command from an archive. */
  async startFetcher(
    settings: ArchiveSettings,
    change: Partial<WalFetcherOptions> = {},
  ): Promise<WalFetcher> {
    await this.spool.empty();
    const { store, codec } = await openArchive(settings);
    const fetcher = new WalFetcher({
      source: { store, codec, layout: WALG_LAYOUT },
      spool: this.spool,
      segmentBytes: SEGMENT,
      useTail: true,
      ahead: 8,
      onWaiting: (file, { message }) =>
        void this.events.push({ event: 'waiting', message: `${file}: ${message}` }),
      onFetched: (file, from) => void this.events.push({ event: from, message: file }),
      ...change,
    });
    this.#end = new AbortController();
    const { signal } = this.#end;
    const fetch = (file: string, asked: AbortSignal): Promise<WalAnswer> => answerFetch(file, fetcher, asked);
    const listening = Promise.withResolvers<void>();
    this.#running = Promise.all([
      fetcher.run(signal),
      serveWal(this.socket, { fetch }, signal, listening.resolve),
    ]).finally(() => store.close());
    await listening.promise;
    return fetcher;
  }

  async stopArchiver(): Promise<void> {
    this.#end?.abort();
    await this.#running;
    this.#end = null;
    this.#archiver = null;
  }

  /** What an agent's loop does: learns how far the archive may go. */
  async look(): Promise<void> {
    if (this.forbidden !== null) {
      this.#permission = { reach: null, reason: this.forbidden, follows: null };
      return;
    }
    if (this.#client === null) return;
    const [row] = await this.query<{ lsn: Lsn | null; tli: string }>(
      'select case when pg_is_in_recovery() then null else pg_current_wal_flush_lsn() end as lsn, substr(pg_walfile_name(case when pg_is_in_recovery() then null else pg_current_wal_flush_lsn() end), 1, 8) as tli',
    );
    if (row === undefined || row.lsn === null) {
      const timeline = timelineId(1);
      this.#permission = {
        reach: null,
        reason: 'it is a standby',
        follows: this.follows ?? { timeline, forks: [], isSettled: false },
      };
      return;
    }
    this.#flushed = row.lsn;
    const timeline = timelineId(Number.parseInt(row.tli, 16));
    const forks = (await readHistory(this.wal, timeline)) ?? [];
    this.#permission = { reach: { timeline, forks, confirmed: this.confirmed ?? this.#flushed }, age: 0 };
  }

  async stop(how: 'fast' | 'kill'): Promise<void> {
    const child = this.#process;
    const client = this.#client;
    this.#client = null;
    if (child === null) return;
    client?.on('error', () => undefined);
    const gone = child.exitCode !== null || child.signalCode !== null ? null : once(child, 'exit');
    if (how === 'fast') await client?.end().catch(() => undefined);
    child.kill(how === 'fast' ? 'SIGINT' : 'SIGQUIT');
    await gone;
    this.#process = null;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stopArchiver();
    await this.stop('kill');
    process.off('exit', this.#kill);
    await rm(this.volume, { recursive: true, force: true });
  }

  async #connect(): Promise<pg.Client> {
    const client = new pg.Client({
      host: '127.0.0.1',
      port: this.port,
      user: 'postgres',
      database: 'postgres',
    });
    client.on('error', () => undefined);
    await client.connect();
    return client;
  }

  async #settings(): Promise<string> {
    const command = archiveCommand(await this.places()).replaceAll("'", "''");
    return [
      '',
      `port = ${this.port}`,
      "listen_addresses = '127.0.0.1'",
      `unix_socket_directories = '${this.volume}'`,
      'archive_mode = always',
      `archive_command = '${command}'`,
      'wal_keep_size = 64MB',
      'fsync = on',
      'max_wal_size = 64MB',
      "restore_command = ''",
      '',
    ].join('\n');
  }
}
