import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { execa } from 'execa';
import type pg from 'pg';
import { Acknowledgements, type Gap, type StaleAcknowledgement } from '../e2e/acknowledgements.ts';
import { abandon, connectReadWrite } from '../e2e/connect.ts';
import { waitFor } from '../e2e/wait-for.ts';
import type { Load, LoadOptions } from './load.ts';

/** Debian's Python, whose psycopg2 is a thin layer over libpq: another Python does not see its packages. */
const PYTHON = '/usr/bin/python3';
const PACKAGE = 'python3-psycopg2';

/** Clients that write all the time, by libpq itself, whose URL and time-outs it is: in a process of its own. */
export class LibpqWriter implements Load {
  readonly #url: string;
  readonly #options: LoadOptions;
  readonly #told: Acknowledgements;
  #child: ChildProcess | null = null;

  constructor(url: string, options: LoadOptions) {
    this.#url = url;
    this.#options = options;
    this.#told = new Acknowledgements(options.table);
  }

  get acknowledged(): ReadonlySet<number> {
    return this.#told.ids;
  }

  get stale(): readonly StaleAcknowledgement[] {
    return this.#told.stale;
  }

  async start(): Promise<this> {
    const { table, connections, pauseMillis, retryMillis } = this.#options;
    const { client } = await waitFor('a member that takes writes', () => connectReadWrite(this.#url));
    await client.query(`CREATE TABLE IF NOT EXISTS ${table} (id bigint PRIMARY KEY, worker int NOT NULL)`);
    abandon(client);
    const numbers = [connections, pauseMillis, retryMillis, 1].map(String);
    const script = join(import.meta.dirname, 'libpq-writer.py');
    const child = spawn(PYTHON, [script, this.#url, table, ...numbers], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    this.#child = child;
    const offset = performance.now() - Number(process.hrtime.bigint()) / 1e6;
    createInterface({ input: child.stdout }).on('line', (line) => {
      const [id = 0, sentAt = 0, at = 0, timeline = 0] = line.split(' ').map(Number);
      this.#told.add(id, sentAt + offset, at + offset, timeline);
    });
    this.#told.begin();
    await this.waitForWrites(connections * 2);
    return this;
  }

  waitForWrites(count: number, timeoutMillis?: number): Promise<void> {
    return this.#told.untilMore(count, timeoutMillis);
  }

  async stop(): Promise<void> {
    const child = this.#child;
    if (child === null || child.exitCode !== null) return;
    const ended = once(child, 'close');
    child.stdin?.end();
    await ended;
    this.#told.end();
  }

  longestGap(since = 0): Gap {
    return this.#told.longestGap(since);
  }

  missingRows(client: pg.Client): Promise<number[]> {
    return this.#told.missingRows(client);
  }
}

/** Sees to psycopg2 from Debian's packages. Throws where it is missing and this is not root. */
export async function obtainLibpqClient(say: (text: string) => void): Promise<void> {
  const found = await execa(PYTHON, ['-c', 'import psycopg2'], { reject: false });
  if (found.exitCode === 0) return;
  if (process.getuid?.() !== 0) {
    throw new Error(
      `install the package ${PACKAGE} first: the clients are libpq itself, and this is not root`,
    );
  }
  say(`installing the package ${PACKAGE}`);
  const env = { DEBIAN_FRONTEND: 'noninteractive' };
  await execa('apt-get', ['update', '-q'], { env });
  await execa('apt-get', ['install', '-q', '-y', '--no-install-recommends', PACKAGE], { env });
}
