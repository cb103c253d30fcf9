import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import type { MemberIncarnation } from '../../../src/ha/member.ts';
import {
  type Epoch,
  epoch,
  type Instant,
  instant,
  millis,
  type TimelineId,
  timelineId,
} from '../../../src/ha/units.ts';
import type { ServerView } from '../../../src/ha/view.ts';
import { findBinaries } from '../../../src/postgres/find-binaries.ts';
import { createPostgresInstance, type LocalInstance } from '../../../src/postgres/instance.ts';
import type {
  InstanceOptions,
  InstanceSettings,
  Logger,
  Observation,
  Upstream,
} from '../../../src/postgres/ports.ts';
import { dropRoot } from './drop-root.ts';

dropRoot();

export const PASSWORDS = { superuser: 'super-1', replication: 'repl:\\1', owner: "own'er-1" };
export const NO_REPORT = (): void => undefined;
export const EMPTY_SETTINGS: InstanceSettings = { parameters: {}, hba: [], tls: null };

/** A signal that fires after a minute: no test waits for ever. */
export const soon = (ms = 60_000): AbortSignal => AbortSignal.timeout(ms);

export interface Member {
  readonly name: string;
  readonly volume: string;
  readonly port: number;
  readonly options: InstanceOptions;
  readonly instance: LocalInstance;
  readonly log: string[];
  readonly passwords: typeof PASSWORDS;
  upstream(): Promise<Upstream>;
  server(): Promise<ServerView>;
  /** Looks until the condition holds. */
  until(what: string, condition: (seen: Observation) => boolean, ms?: number): Promise<Observation>;
  client(user?: string, database?: string): Promise<pg.Client>;
  /** A second instance over the same volume, as a restarted agent has. */
  again(settings?: InstanceSettings): LocalInstance;
}

/** Directories and processes of one test file; `end` leaves nothing behind. */
export class Fixture {
  readonly #directories: string[] = [];
  readonly #members: Member[] = [];

  async member(
    name: string,
    settings: Partial<InstanceSettings> = {},
    change: Partial<InstanceOptions> = {},
  ): Promise<Member> {
    const volume = await mkdtemp(join(tmpdir(), 'pgwarden-it-'));
    this.#directories.push(volume);
    const member = await makeMember(name, volume, { ...EMPTY_SETTINGS, ...settings }, change);
    this.#members.push(member);
    return member;
  }

  async end(): Promise<void> {
    for (const member of this.#members) {
      await member.instance.close();
      await member.instance.stop('kill').catch(() => undefined);
    }
    for (const directory of this.#directories) await rm(directory, { recursive: true, force: true });
  }
}

async function makeMember(
  name: string,
  volume: string,
  settings: InstanceSettings,
  change: Partial<InstanceOptions>,
): Promise<Member> {
  const port = await freePort();
  const passwords = { ...PASSWORDS };
  const { directory, major } = await findBinaries(null);
  const options: InstanceOptions = {
    volume,
    binaries: { directory, major },
    memberIdentity: { member: name },
    port,
    listenAddresses: '127.0.0.1',
    socketDirectory: join(volume, 'socket'),
    superuser: { name: 'postgres', password: () => passwords.superuser },
    replication: { name: 'pgwarden_replication', password: () => passwords.replication },
    application: { database: 'app', owner: { name: 'app', password: () => passwords.owner } },
    initdb: {
      encoding: 'UTF8',
      locale: null,
      localeProvider: 'libc',
      dataChecksums: true,
      walSegmentSizeMb: 1,
      postInitSql: ['create table greeting as select 1 as hello', 'alter table greeting owner to app'],
    },
    stopTimeout: millis(20_000),
    maxSlotWalKeepSize: '64MB',
    suspectAfter: millis(1_000),
    ...change,
  };
  const log: string[] = [];
  const deps = { logger: listLogger(log), clock: { now } };
  const instance = createPostgresInstance(options, settings, deps);
  const observe = () => instance.observe(millis(1_000));
  return {
    name,
    volume,
    port,
    options,
    instance,
    log,
    passwords,
    again: (other = settings) => createPostgresInstance(options, other, deps),
    upstream: async () => ({
      identity: (await observe()).identity ?? (name as MemberIncarnation),
      host: '127.0.0.1',
      port,
    }),
    server: async () => {
      const { server } = await observe();
      if (server === null) throw new Error(`${name} does not answer`);
      return server;
    },
    until: async (what, condition, ms = 30_000) => {
      const signal = soon(ms);
      for (;;) {
        const seen = await observe();
        if (condition(seen)) return seen;
        if (signal.aborted)
          throw new Error(`${name}: ${what} did not come; ${JSON.stringify(seen.server ?? seen)}`);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    },
    client: async (user = 'app', database = 'app') => {
      const client = new pg.Client({ host: '127.0.0.1', port, user, database, password: passwords.owner });
      client.on('error', () => undefined);
      await client.connect();
      return client;
    },
  };
}

export function now(): Instant {
  return instant(performance.now());
}

export const tl = (value: number): TimelineId => timelineId(value);
export const ep = (value: number): Epoch => epoch(value);

/** A fresh primary: initialised, started, prepared, the door open. */
export async function bootstrap(member: Member): Promise<void> {
  const { instance } = member;
  await instance.load();
  await instance.initialize(NO_REPORT, soon());
  await instance.startPrimary('', soon());
  await instance.prepare(soon());
  await instance.openDoor(soon());
}

/** A clone of the primary that streams from it. */
export async function joinTo(member: Member, primary: Member): Promise<MemberIncarnation> {
  const { instance } = member;
  await instance.load();
  await instance.clone(await primary.upstream(), NO_REPORT, soon());
  await instance.startStandby(soon());
  await instance.follow(await primary.upstream());
  const seen = await member.until('streaming', ({ server }) => server?.receiver?.streaming === true);
  if (seen.identity === null) throw new Error('a clone without identity');
  return seen.identity;
}

export async function sql(member: Member, text: string, user?: string, database?: string): Promise<object[]> {
  const client = await member.client(user, database);
  try {
    return (await client.query(text)).rows;
  } finally {
    await client.end();
  }
}

function listLogger(lines: string[]): Logger {
  const write = (fields: object, message: string): void => {
    const said = JSON.stringify(fields, (_, value) => (value instanceof Error ? value.message : value));
    lines.push(`${message} ${said}`);
  };
  return { debug: write, info: write, warn: write, error: write };
}

async function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      const port = typeof address === 'object' && address !== null ? address.port : 0;
      server.close(() => resolve(port));
    });
  });
}
