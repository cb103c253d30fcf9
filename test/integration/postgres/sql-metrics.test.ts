import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { METRICS_ROLE } from '../../../src/agent/sql-metrics/role.ts';
import { SqlMetrics } from '../../../src/agent/sql-metrics/service.ts';
import type { Configuration } from '../../../src/config/configuration.ts';
import { millis } from '../../../src/ha/units.ts';
import { systemClock } from '../../../src/kubernetes/clock.ts';
import { localAccess, localTarget } from '../../../src/postgres/sql/local-access.ts';
import { Session } from '../../../src/postgres/sql/session.ts';
import { bootstrap, Fixture, joinTo, type Member, sql } from './fixture.ts';

type Settings = { -readonly [K in keyof Configuration['metrics']]: Configuration['metrics'][K] };

/** The service over one member, as the agent runs it. */
class Subject {
  readonly log: string[] = [];
  readonly settings: Settings;
  role: 'primary' | 'standby' | null;
  readonly service: SqlMetrics;
  readonly #end = new AbortController();
  readonly #running: Promise<void>;

  constructor(member: Member, role: 'primary' | 'standby', settings: Partial<Settings>) {
    this.role = role;
    this.settings = {
      queryFiles: [],
      queryPrefix: 'pgwarden_sql_',
      queryInterval: millis(1_000),
      queryTimeout: millis(1_000),
      ...settings,
    };
    const { socketDirectory, port, superuser, application } = member.options;
    const write = (fields: object, message: string): void => {
      this.log.push(`${(fields as { event: string }).event}: ${message}`);
    };
    this.service = new SqlMetrics({
      postgres: { socketDirectory, port, superuser, application } as unknown as Configuration['postgres'],
      settings: () => this.settings,
      superuserPassword: () => member.passwords.superuser,
      sharedSecret: () => member.passwords.replication,
      role: () => this.role,
      clock: systemClock,
      log: { debug: write, info: write, warn: write, error: write },
    });
    this.#running = this.service.run(this.#end.signal);
  }

  async until(what: string, condition: () => boolean, ms = 20_000): Promise<void> {
    const limit = AbortSignal.timeout(ms);
    while (!condition()) {
      if (limit.aborted)
        throw new Error(`${what} did not come; ${this.service.text()}\n${this.log.join('\n')}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  success(query: string): boolean | null | undefined {
    return this.service.report().queries.find((each) => each.query === query)?.succeeded;
  }

  async end(): Promise<void> {
    this.#end.abort();
    await this.#running;
  }
}

describe('metrics by SQL queries', () => {
  const fixture = new Fixture();
  let primary: Member;
  let standby: Member;
  let subject: Subject | null = null;
  let files = 0;

  beforeAll(async () => {
    primary = await fixture.member('pg-0');
    standby = await fixture.member('pg-1');
    await bootstrap(primary);
    await joinTo(standby, primary);
    await standby.instance.openDoor(AbortSignal.timeout(10_000));
    await asSuperuser("create table orders as select 'new' as state, n from generate_series(1, 5) as n");
    await asSuperuser('grant select on orders to pg_monitor');
    await asSuperuser('create database shop_de', 'postgres');
    await asSuperuser('create database shop_fr', 'postgres');
  });
  afterEach(async () => {
    await subject?.end();
    subject = null;
  });
  afterAll(() => fixture.end());

  async function asSuperuser<Row extends object>(
    text: string,
    database = 'app',
    on = primary,
  ): Promise<Row[]> {
    const signal = AbortSignal.timeout(20_000);
    const session = await Session.open(localTarget(on.options, localAccess()), database, signal);
    try {
      return await session.query<Row>(text, [], signal);
    } finally {
      session.close();
    }
  }

  async function queries(text: string): Promise<string> {
    const file = join(primary.volume, `queries-${files++}.yaml`);
    await writeFile(file, text);
    return file;
  }

  async function watch(text: string, settings: Partial<Settings> = {}, member = primary): Promise<Subject> {
    const role = member === primary ? 'primary' : 'standby';
    subject = new Subject(member, role, { queryFiles: [await queries(text)], ...settings });
    return subject;
  }

  const one = (name: string, query: string, more = ''): string =>
    `${name}:\n  query: ${JSON.stringify(query)}\n  metrics: [{n: {usage: GAUGE, description: N}}]\n${more}`;

  test('are read in the application database, as a role that is no superuser and only reads', async () => {
    const { service, until } = bind(
      await watch(
        `orders:
  query: select state, count(*) as open from orders group by 1
  metrics: [{state: {usage: LABEL}}, {open: {usage: GAUGE, description: Orders}}]
who:
  query: >
    select session_user::text as who, current_database()::text as place, 1 as n,
      current_setting('transaction_read_only') as reads_only, current_setting('is_superuser') as super
  metrics: [{who: {usage: LABEL}}, {place: {usage: LABEL}}, {reads_only: {usage: LABEL}}, {super: {usage: LABEL}}, {n: {usage: GAUGE}}]
`,
      ),
    );
    await until('the metrics', () => service.text().includes('who'));
    expect(service.text()).toContain('pgwarden_sql_orders_open{state="new"} 5\n');
    expect(service.text()).toContain(
      `pgwarden_sql_who_n{who="${METRICS_ROLE}",place="app",reads_only="on",super="off"} 1\n`,
    );
  });

  test('no query can write, end its transaction, or become the superuser', async () => {
    const { until, ...watched } = bind(
      await watch(
        [
          one('writes', "with w as (insert into orders values ('x', 1) returning n) select n from w"),
          one('two', 'select 1 as n; commit; create table evil ()'),
          one('turns', "select length(set_config('transaction_read_only', 'off', true)) as n"),
          one('rises', "select length(set_config('role', 'postgres', false)) as n"),
          one('good', 'select 1 as n'),
        ].join('\n'),
      ),
    );
    await until('the rounds', () => watched.subject.success('good') === true);
    for (const name of ['writes', 'two', 'turns', 'rises'])
      expect(watched.subject.success(name), name).toBe(false);
    expect(await asSuperuser("select from pg_class where relname = 'evil'")).toEqual([]);
    expect(await asSuperuser<{ count: string }>('select count(*) from orders')).toEqual([{ count: '5' }]);
  });

  test('a query that fails is told once, by the log and a metric, and takes no other with it', async () => {
    const { service, log, until, ...watched } = bind(
      await watch([one('broken', 'select n from nowhere'), one('good', 'select 7 as n')].join('\n')),
    );
    const failures = () => service.report().queries.find(({ query }) => query === 'broken')?.failures ?? 0;
    await until('three failures', () => failures() >= 3);
    expect(log.filter((line) => line.startsWith('metrics.query.failed'))).toEqual([
      'metrics.query.failed: The metrics of broken are missing: in app: Postgres says: relation "nowhere" does not exist',
    ]);
    expect(service.text()).toContain('pgwarden_sql_good_n 7\n');
    expect(service.text()).not.toContain('broken');
    await asSuperuser('create table nowhere as select 3 as n; grant select on nowhere to pg_monitor');
    await until('its recovery', () => watched.subject.success('broken') === true);
    expect(log.at(-1)).toBe('metrics.query.recovered: The metrics of broken are back');
  });

  test('one that runs for too long is cancelled by the server, and the next one runs', async () => {
    const { service, log, until } = bind(
      await watch(
        [one('slow', 'select 1 as n from pg_sleep(600)'), one('good', 'select 7 as n')].join('\n'),
        {
          queryTimeout: millis(300),
        },
      ),
    );
    await until('the round', () => service.text().includes('good'));
    expect(log.join('\n')).toContain('canceling statement due to statement timeout');
    const left = await asSuperuser(
      `select from pg_stat_activity where usename = '${METRICS_ROLE}' and query ~ 'pg_sleep' and state = 'active'`,
    );
    expect(left).toEqual([]);
  });

  test('one that gives rows without end is refused, with the memory of the agent as it was', async () => {
    const { log, until } = bind(await watch(one('many', 'select generate_series(1, 100000000) as n')));
    await until('the refusal', () => log.some((line) => line.includes('more than 10000 rows')));
  });

  test('databases are named or found by a pattern, each in a connection that ends with the round', async () => {
    const { service, until } = bind(
      await watch(
        `size:
  query: select current_database() as datname, 1 as n
  target_databases: ["shop_*", postgres]
  metrics: [{datname: {usage: LABEL}}, {n: {usage: GAUGE}}]
`,
        { queryInterval: millis(3_600_000) },
      ),
    );
    await until('the metrics', () => service.text() !== '');
    expect([...service.text().matchAll(/datname="(\w+)"/g)].map(([, name]) => name).sort()).toEqual([
      'postgres',
      'shop_de',
      'shop_fr',
    ]);
    const connected = () => asSuperuser(`select from pg_stat_activity where usename = '${METRICS_ROLE}'`);
    const limit = AbortSignal.timeout(10_000);
    while ((await connected()).length > 0 && !limit.aborted) await new Promise((go) => setTimeout(go, 50));
    expect(await connected()).toEqual([]);
  });

  test('a database that is missing fails its query, and shows what the others gave', async () => {
    const { service, until, ...watched } = bind(
      await watch(
        `size:
  query: select current_database() as datname, 1 as n
  target_databases: [postgres, gone]
  metrics: [{datname: {usage: LABEL}}, {n: {usage: GAUGE}}]
`,
      ),
    );
    await until('the metrics', () => service.text() !== '');
    expect(service.text()).toContain('{datname="postgres"} 1');
    expect(watched.subject.success('size')).toBe(false);
  });

  test('a predicate, a range of versions and the primary are asked for first', async () => {
    const { service, until } = bind(
      await watch(
        [
          one('never', 'select 1 as n', '  predicate_query: select false'),
          one('nothing', 'select 1 as n', '  predicate_query: select true where false'),
          one('perhaps', 'select 1 as n', '  predicate_query: select true'),
          one('old', 'select 1 as n', '  runonserver: "<10"'),
          one('leader', 'select 1 as n', '  primary: true'),
        ].join('\n'),
      ),
    );
    await until('the metrics', () => service.text() !== '');
    const names = [...service.text().matchAll(/^pgwarden_sql_(\w+)_n /gm)].map(([, name]) => name);
    expect(names).toEqual(['perhaps', 'leader']);
  });

  test('a standby answers with the role that came by replication, and leaves the rest to the primary', async () => {
    const first = bind(await watch(one('good', 'select 1 as n')));
    await first.until('the role', () => first.service.text() !== '');
    await first.subject.end();
    const text = [
      one('recovery', 'select pg_is_in_recovery()::int as n'),
      one('leader', 'select 1 as n', '  primary: true'),
    ].join('\n');
    const { service, until, ...watched } = bind(await watch(text, {}, standby));
    await until('the metrics', () => service.text() !== '');
    expect(service.text()).toContain('pgwarden_sql_recovery_n 1\n');
    expect(watched.subject.success('leader')).toBeNull();
  });

  test('a file that changes is taken up, and a wrong one leaves what was', async () => {
    const { service, log, settings, until } = bind(await watch(one('first', 'select 1 as n')));
    const [file = ''] = settings.queryFiles;
    await until('the metrics', () => service.text().includes('first'));
    await writeFile(file, 'first: {query: select 1}');
    await until('the refusal', () => log.some((line) => line.startsWith('metrics.queries.refused')));
    expect(log.join('\n')).toContain('first.metrics');
    expect(service.report().files).toEqual([{ file, isLoaded: false }]);
    expect(service.text()).toContain('first');
    await writeFile(file, one('second', 'select 2 as n'));
    await until('the new one', () => service.text().includes('second'));
    expect(service.text()).not.toContain('first');
    expect(service.report().files).toEqual([{ file, isLoaded: true }]);
  });

  test('without a file nothing runs, until a reload names one', async () => {
    const { service, settings, until } = bind(new Subject(primary, 'primary', {}));
    expect(service.report()).toEqual({ files: [], queries: [] });
    settings.queryFiles = [await queries(one('late', 'select 1 as n'))];
    service.wake();
    await until('the metrics', () => service.text() !== '');
    settings.queryFiles = [];
    service.wake();
    await until('the end', () => service.text() === '');
  });

  test('while Postgres lets nobody in, nothing is shown', async () => {
    const { service, until, ...watched } = bind(await watch(one('good', 'select 1 as n')));
    await until('the metrics', () => service.text() !== '');
    watched.subject.role = null;
    await until('nothing', () => service.text() === '');
    watched.subject.role = 'primary';
    await until('the metrics again', () => service.text() !== '');
  });

  test('a role that somebody dropped or changed is made again', async () => {
    const { service, until } = bind(await watch(one('good', 'select 1 as n')));
    await until('the metrics', () => service.text() !== '');
    await asSuperuser(`alter role ${METRICS_ROLE} password 'other'`);
    await until('the failure', () => service.text() === '');
    await until('the metrics again', () => service.text() !== '', 40_000);
    expect(await sql(primary, 'select 1 as n')).toEqual([{ n: 1 }]);
  });

  function bind(watched: Subject) {
    subject = watched;
    return {
      subject: watched,
      service: watched.service,
      log: watched.log,
      settings: watched.settings,
      until: watched.until.bind(watched),
    };
  }
});
