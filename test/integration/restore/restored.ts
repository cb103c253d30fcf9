import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { requireBinariesFor } from '../../../src/archive/restore/binaries-for.ts';
import type { RestoreTarget, TimelineChoice } from '../../../src/archive/restore/target.ts';
import {
  type OfflineRestore,
  type OfflineResult,
  restoreOffline,
} from '../../../src/commands/restore-offline.ts';

const READY_WITHIN = 60_000;

/** A directory to restore into, and a plain Postgres, of the backup's major, to look at what came of it. */
export class Place implements AsyncDisposable {
  readonly root: string;
  readonly data: string;
  readonly said: string[] = [];
  #child: ChildProcess | null = null;

  private constructor(root: string) {
    this.root = root;
    this.data = join(root, 'data');
  }

  static async make(): Promise<Place> {
    return new Place(await mkdtemp(join(tmpdir(), 'pgwarden-restored-')));
  }

  restore(
    url: string,
    target: RestoreTarget,
    more: {
      readonly timeline?: TimelineChoice;
      readonly backup?: string;
      readonly signal?: AbortSignal;
      readonly flags?: readonly string[];
    } & Partial<
      Pick<OfflineRestore, 'mappings' | 'pause' | 'replay' | 'dryRun' | 'parallel' | 'report'>
    > = {},
  ): Promise<OfflineResult> {
    const {
      timeline = 'latest',
      backup = null,
      signal = AbortSignal.timeout(240_000),
      flags = [],
      ...rest
    } = more;
    return restoreOffline(
      {
        from: url,
        directory: this.data,
        wish: { target, timeline, backup, binDirectory: null },
        mappings: [],
        parallel: 2,
        replay: true,
        dryRun: false,
        user: 'postgres',
        settings: { file: null, flags, environment: {} },
        report: () => undefined,
        announce: (text) => void this.said.push(text),
        ...rest,
      },
      signal,
    );
  }

  /** Starts a Postgres in it as a person would, and asks. */
  async ask<R extends pg.QueryResultRow>(text: string): Promise<R[]> {
    if (this.#child === null) await this.#start();
    const client = new pg.Client({ host: this.root, user: 'postgres', database: 'postgres' });
    client.on('error', () => undefined);
    await client.connect();
    try {
      return (await client.query<R>(text)).rows;
    } finally {
      await client.end();
    }
  }

  /** The ids of the rows of `marks`. */
  async marks(): Promise<number[]> {
    return (await this.ask<{ id: string }>('select id from marks order by 1')).map(({ id }) => Number(id));
  }

  async stop(): Promise<void> {
    const child = this.#child;
    this.#child = null;
    if (child === null || child.exitCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGINT');
    await ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    await rm(this.root, { recursive: true, force: true });
  }

  async #start(): Promise<void> {
    const major = Number(await readFile(join(this.data, 'PG_VERSION'), 'utf8'));
    const { directory } = await requireBinariesFor(major, null);
    const settings = [`unix_socket_directories=${this.root}`, 'listen_addresses=', 'port=5432'];
    const child = spawn(
      join(directory, 'postgres'),
      ['-D', this.data, ...settings.flatMap((setting) => ['-c', setting])],
      { stdio: ['ignore', 'ignore', 'pipe'] },
    );
    this.#child = child;
    let log = '';
    child.stderr?.on('data', (text) => {
      log += text;
    });
    const until = Date.now() + READY_WITHIN;
    while (!log.includes('ready to accept connections')) {
      if (child.exitCode !== null || Date.now() > until) throw new Error(`Postgres did not start:\n${log}`);
      await sleep(20);
    }
  }
}
