import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ArchiveOverview } from '../../src/archive/catalog/overview.ts';
import type { DrillResult } from '../../src/archive/drill/result.ts';
import type { RetentionReport } from '../../src/archive/retention/outcome-report.ts';
import { openStore } from '../../src/archive/store/open.ts';
import type { ObjectStore } from '../../src/archive/store/ports.ts';
import type { VerifyReport } from '../../src/archive/verify/verify.ts';
import { openDemo } from '../../src/demo/state.ts';
import { DemoCluster } from './cluster.ts';
import { giveArchive } from './give-archive.ts';
import { waitFor } from './wait-for.ts';

const signal = AbortSignal.timeout(20 * 60_000);

describe('three members with an archive that they keep in order', () => {
  let cluster: DemoCluster;
  let store: ObjectStore;
  let url = '';

  beforeAll(async () => {
    cluster = await DemoCluster.start();
    const directory = join(cluster.dir, '..', 'archive');
    url = `file://${directory}`;
    await giveArchive(cluster, directory, {
      // When it is due is for the test to say.
      retention: { count: 2, schedule: '0 0 1 1 *' },
      drill: {
        keepFree: 0.01,
        database: 'app',
        checks: { notes: "select count(*) >= 1 from notes where note = 'before'" },
      },
    });
    store = await openStore(url);
    await cluster.query("create table notes as select 'before'::text as note");
  });
  afterAll(() => cluster?.[Symbol.asyncDispose]());

  const json = async <T>(...args: string[]): Promise<T> =>
    JSON.parse((await cluster.pgwarden(...args, '-o', 'json')).stdout) as T;
  const backUp = async (): Promise<string> =>
    (await json<{ readonly name: string }>('backup', '--wait', '--from', 'primary')).name;
  const metric = async (member: string, name: string): Promise<number | null> => {
    const record = (await cluster.cluster(member)).members.find((one) => one.name === member);
    const text = await (await fetch(`${record?.http}/metrics`)).text();
    const line = text.split('\n').find((one) => one.startsWith(`${name} `));
    return line === undefined ? null : Number(line.split(' ')[1]);
  };

  test('tell what it holds, by an agent and without one', async () => {
    const id = await backUp();
    await cluster.query("insert into notes values ('after')");
    const overview = await waitFor('the archive to reach on', async () => {
      const found = await json<ArchiveOverview>('range');
      return (found.intervals[0]?.untilTime ?? '') > (found.intervals[0]?.fromTime ?? '') ? found : null;
    });
    expect(overview.holes).toEqual([]);
    expect(overview.intervals).toMatchObject([{ backup: id, backups: 1, restorable: true }]);
    const { backups } = await json<ArchiveOverview>('backup', 'list');
    expect(backups).toMatchObject([{ id, reach: { restorable: true, hole: null } }]);
    const offline = await json<ArchiveOverview>('backup', 'list', '--from', url);
    expect(offline.backups.map((one) => one.id)).toEqual([id]);
    const { stdout } = await cluster.pgwarden('backup', 'list');
    expect(stdout).toContain(id);
  });

  test('verify it', async () => {
    const report = await json<VerifyReport>('verify', '--wal');
    expect(report).toMatchObject({ ok: true, findings: [], backups: [{ manifest: 'checked' }] });
    expect(report.segmentsRead).toBeGreaterThan(0);
  });

  test('hold a drill beside a standby, of which nothing is left but its result', async () => {
    const before = await cluster.standbys();
    // It comes with Debian's server, but not with every build.
    const [amcheck] = await cluster.query("select from pg_available_extensions where name = 'amcheck'");
    const result = await json<DrillResult>('drill');
    expect(result).toMatchObject({
      ok: true,
      error: null,
      amcheck: amcheck === undefined ? 'absent' : 'passed',
      manifest: 'checked',
      checks: [{ name: 'notes', ok: true }],
    });
    expect(before).toContain(result.member);
    const { members } = await openDemo(cluster.dir);
    for (const { volume } of members) expect(existsSync(join(volume, 'drill'))).toBe(false);
    // It archived nothing: no timeline of its own is there.
    for await (const { key } of store.list('wal_005/', { signal }))
      expect(Number.parseInt(key.slice('wal_005/'.length, 'wal_005/'.length + 8), 16)).toBeLessThan(
        result.timeline ?? 0,
      );
    await waitFor('the member to show it', async () => {
      const good = await metric(result.member ?? '', 'pgwarden_drill_last_success');
      return good === 1;
    });
    expect(await metric(result.member ?? '', 'pgwarden_drill_rows')).toBe(result.rows);
    expect(await metric(result.member ?? '', 'pgwarden_drill_last_good_age_seconds')).toBeLessThan(120);
    await cluster.waitUntilComplete();
  });

  test('survive that the process of a drill is killed, and clear up after it', async () => {
    const drill = cluster.tryPgwarden('drill', '-o', 'json');
    const worker = await waitFor('the drill to run', () => drillWorker(cluster.dir), { intervalMillis: 5 });
    process.kill(worker, 'SIGKILL');
    const ended = await drill;
    expect([ended.exitCode, JSON.parse(ended.stderr)]).toMatchObject([
      1,
      { error: { code: 'DRILL_PROCESS' } },
    ]);
    const again = await json<DrillResult>('drill');
    expect(again).toMatchObject({ ok: true });
    const { members } = await openDemo(cluster.dir);
    for (const { volume } of members) expect(existsSync(join(volume, 'drill'))).toBe(false);
  });

  test('remove what no rule keeps, and nothing in a dry run', async () => {
    const [first = ''] = (await json<ArchiveOverview>('backup', 'list')).backups.map(({ id }) => id);
    const second = await backUp();
    const third = await backUp();
    const dry = await json<RetentionReport>('retention', '--dry-run');
    expect(dry).toMatchObject({ dryRun: true, remove: [{ id: first }], removed: null });
    expect((await json<ArchiveOverview>('backup', 'list')).backups).toHaveLength(3);
    const done = await json<RetentionReport>('retention');
    expect(done.removed?.backups).toEqual([first]);
    const left = await json<ArchiveOverview>('backup', 'list');
    expect(left.backups.map(({ id }) => id)).toEqual([second, third]);
    expect(left.backups.every(({ reach }) => reach?.restorable === true)).toBe(true);
    expect(await json<VerifyReport>('verify')).toMatchObject({ ok: true });
  });

  test('delete a backup by hand, but hardly the last one', async () => {
    const [second = '', third = ''] = (await json<ArchiveOverview>('backup', 'list')).backups.map(
      ({ id }) => id,
    );
    const unknown = await cluster.tryPgwarden('backup', 'delete', 'base_0', '-o', 'json');
    expect(JSON.parse(unknown.stderr)).toMatchObject({ error: { code: 'RETENTION_BACKUP_UNKNOWN' } });
    await json<RetentionReport>('backup', 'delete', second);
    const last = await cluster.tryPgwarden('backup', 'delete', third, '-o', 'json');
    expect(JSON.parse(last.stderr)).toMatchObject({ error: { code: 'RETENTION_LAST_BACKUP' } });
    const left = await json<ArchiveOverview>('backup', 'list');
    expect(left.backups.map(({ id }) => id)).toEqual([third]);
    const drill = await json<DrillResult>('drill');
    expect(drill).toMatchObject({ ok: true, backup: third });
    const primary = await cluster.primary();
    const known = await waitFor('the primary to know all of it', async () => {
      const catalog = (await cluster.status(primary))?.catalog ?? null;
      return catalog?.backups === 1 && catalog.lastDrill?.startedAt === drill.startedAt ? catalog : null;
    });
    expect(known).toMatchObject({
      holes: 0,
      firstRecoverable: left.backups[0]?.reach?.fromTime,
      lastGoodDrill: { ok: true, backup: third, member: drill.member, failure: null },
      retention: { ok: true },
      verify: { ok: true },
    });
  });
});

/** The process of a drill that an agent of this cluster started; null: none runs. */
async function drillWorker(dir: string): Promise<number | null> {
  const commandOf = (pid: string) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name) || !(await commandOf(name)).split('\0').includes('drill-worker')) continue;
    const status = await readFile(`/proc/${name}/status`, 'utf8').catch(() => '');
    const parent = /^PPid:\s+(\d+)$/m.exec(status)?.[1];
    if (parent !== undefined && (await commandOf(parent)).includes(dir)) return Number(name);
  }
  return null;
}
