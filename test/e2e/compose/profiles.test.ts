import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, inject, test } from 'vitest';
import { parse } from 'yaml';
import { waitFor } from '../wait-for.ts';

const ROOT = join(import.meta.dirname, '..', '..', '..');
const PLAIN = join(ROOT, 'manifests', 'components', 'monitoring', 'plain');
const PROFILES = ['--profile', 'prometheus', '--profile', 'pgbouncer'];
const PROMETHEUS = 'http://127.0.0.1:9090/api/v1';

/** Panels that show what went wrong, or backups and drills, which a cluster that was just made has none of. */
const EMPTY = ['Newest backup', 'Takeovers', 'Problems', 'Stored', 'Last good drill'];

interface Sample {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: readonly [number, string];
}

/** docker-compose.yml as it is shipped, with what its profiles add, under a project of its own. */
async function compose(...args: readonly string[]): Promise<string> {
  const { stdout } = await execa('docker', ['compose', '-p', 'pgwarden-profiles', ...PROFILES, ...args], {
    cwd: ROOT,
    stdin: 'ignore',
    env: { PGWARDEN_IMAGE: inject('composeImage'), DOCKER_BUILDKIT: '0' },
  });
  return stdout;
}

async function ask<T>(path: string, parameters: Record<string, string> = {}): Promise<T> {
  const answer = await fetch(`${PROMETHEUS}/${path}?${new URLSearchParams(parameters)}`);
  const body = (await answer.json()) as { status: string; error?: string; data: T };
  if (body.status !== 'success') throw new Error(`${parameters.query ?? path}: ${body.error}`);
  return body.data;
}

const query = async (text: string): Promise<readonly Sample[]> =>
  (await ask<{ result: readonly Sample[] }>('query', { query: text })).result;

const firing = async (): Promise<readonly string[]> =>
  (await query('group by (alertname) (ALERTS{alertstate="firing"})')).map(
    ({ metric }) => metric.alertname ?? '',
  );

async function primary(): Promise<string> {
  const leads = 'pgwarden_role{role="primary"} == 1 and on (pod) pgwarden_open == 1';
  return await waitFor('one primary in Prometheus', async () => {
    const found = await query(leads);
    return found.length === 1 ? (found[0]?.metric.pod ?? null) : null;
  });
}

describe('docker compose up with Prometheus and PgBouncer', () => {
  beforeAll(async () => {
    await compose('up', '-d', '--wait');
  });
  afterEach(async ({ task }) => {
    if (task.result?.state !== 'fail') return;
    const root = process.env.PGWARDEN_TEST_EVIDENCE ?? join(tmpdir(), 'pgwarden-evidence');
    await mkdir(root, { recursive: true });
    const file = join(root, `profiles-${process.pid}.txt`);
    await writeFile(file, await compose('logs', '--no-color', '--timestamps'));
    process.stderr.write(`  kept: ${file}\n`);
  });
  afterAll(async () => {
    await compose('down', '-v', '--timeout', '5');
  });

  test('Prometheus scrapes every member, with the labels that alerts and dashboard group by', async () => {
    await waitFor('three members', async () => {
      const up = await query('up{job="pgwarden",namespace="default",pg_cluster="pg"} == 1');
      const pods = up.map(({ metric }) => metric.pod).sort();
      return pods.join() === 'pg-0,pg-1,pg-2' ? true : null;
    });
    await primary();
  });

  test('it evaluates every alert, and none of a healthy cluster fires', async () => {
    const { groups: shipped } = parse(await readFile(join(PLAIN, 'rules.yaml'), 'utf8')) as {
      groups: readonly { rules: readonly { alert: string }[] }[];
    };
    await waitFor('every rule to be evaluated', async () => {
      const { groups } = await ask<{
        groups: readonly { rules: readonly { name: string; health: string; lastError?: string }[] }[];
      }>('rules');
      const rules = groups.flatMap((group) => group.rules);
      const wrong = rules.filter(({ health }) => health === 'err');
      if (wrong.length > 0) throw new Error(JSON.stringify(wrong));
      const names = rules.filter(({ health }) => health === 'ok').map(({ name }) => name);
      const wanted = shipped.flatMap((group) => group.rules.map(({ alert }) => alert));
      return names.sort().join() === wanted.sort().join() ? true : null;
    });
    expect(await firing()).toEqual([]);
  });

  test('it understands the query of every panel, and has data for those that a healthy cluster fills', async () => {
    const { panels } = JSON.parse(await readFile(join(PLAIN, 'dashboard.json'), 'utf8')) as {
      panels: readonly { title: string; targets?: readonly { expr: string }[] }[];
    };
    const asked = panels.flatMap(({ title, targets = [] }) =>
      targets.map(({ expr }) => ({ title, expr: variables(expr) })),
    );
    await waitFor('data in the panels', async () => {
      const answers = await Promise.all(asked.map(async ({ expr }) => (await query(expr)).length));
      const empty = asked.filter(({ title }, index) => answers[index] === 0 && !EMPTY.includes(title));
      if (empty.length > 0) throw new Error(`without data: ${empty.map(({ title }) => title).join(', ')}`);
      return true;
    });
  });

  test('commits that wait for standbys are told, and told from an outage', async () => {
    const leader = await primary();
    const standbys = ['pg-0', 'pg-1', 'pg-2'].filter((name) => name !== leader);
    await compose('stop', '--timeout', '5', ...standbys);
    const fired = await waitFor(
      'the alert',
      async () => {
        const names = await firing();
        return names.includes('PgWardenCommitsWait') ? names : null;
      },
      { timeoutMillis: 120_000 },
    );
    expect(fired).not.toContain('PgWardenNoPrimary');
    await compose('up', '-d', '--wait');
    await waitFor('the end of it', async () => !(await firing()).includes('PgWardenCommitsWait'));
    // A hand-over needs standbys that have caught up: `up` waits for members that answer.
    await waitFor('both standbys in the cohort again', async () => {
      const streaming = 'pgwarden_sync_standbys_observed == 2 and pgwarden_sync_standbys_expected == 2';
      return (await query(streaming)).length === 1;
    });
  });

  test('PgBouncer is at the primary, and follows it', async () => {
    const password = await compose('exec', '-T', 'pg-0', 'cat', '/etc/pgwarden/secrets/application');
    const connectionString = `postgresql://app:${password}@127.0.0.1:6432/app`;
    const read = async (text: string): Promise<unknown> => {
      const client = new pg.Client({ connectionString, connectionTimeoutMillis: 20_000 });
      client.on('error', () => undefined);
      await client.connect();
      try {
        return Object.values((await client.query(text)).rows[0] ?? {})[0];
      } finally {
        await client.end();
      }
    };
    const server = 'select inet_server_addr()::text';
    const before = await waitFor('a session through the pooler', async () => read(server).catch(() => null));
    await compose('exec', '-T', 'pg-0', 'pgwarden', 'switchover');
    const after = await waitFor('the new primary', async () => {
      const address = await read(server).catch(() => null);
      return address === before ? null : address;
    });
    expect(after).not.toBe(before);
    expect(await read('select pg_is_in_recovery()')).toBe(false);
  });
});

/** What Grafana puts in. */
function variables(expression: string): string {
  return expression
    .replaceAll('$namespace', 'default')
    .replaceAll('$cluster', 'pg')
    .replaceAll('$__rate_interval', '1m')
    .replaceAll('$__range', '1h');
}
