import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WALG } from '../../src/archive/catalog/layout.ts';
import { listBackups } from '../../src/archive/catalog/list-backups.ts';
import { openStore } from '../../src/archive/store/open.ts';
import type { ObjectStore } from '../../src/archive/store/ports.ts';
import type { EndedBackup } from '../../src/http/backup-report.ts';
import { DemoCluster } from './cluster.ts';
import { giveArchive } from './give-archive.ts';
import { waitFor } from './wait-for.ts';

const signal = AbortSignal.timeout(20 * 60_000);
type Taken = EndedBackup & { readonly member: string; readonly message: string };

describe('three members with an archive and a schedule', () => {
  let cluster: DemoCluster;
  let store: ObjectStore;

  beforeAll(async () => {
    cluster = await DemoCluster.start();
    const directory = join(cluster.dir, '..', 'archive');
    // So slow that something can happen meanwhile.
    await giveArchive(cluster, directory, { backup: { schedule: '@yearly', rate: '5MB' } });
    store = await openStore(`file://${directory}`);
  });
  afterAll(() => cluster?.[Symbol.asyncDispose]());

  const names = async (): Promise<string[]> =>
    (await listBackups({ store, layout: WALG }, signal)).backups.map(({ id }) => id);
  const idle = () =>
    waitFor('no backup to run', async () =>
      (await cluster.observe()).every(({ status }) => status !== null && status.backup?.running === null),
    );

  test('take a first backup by themselves, of a standby', async () => {
    const [first] = await waitFor(
      'the first backup',
      async () => {
        const found = await names();
        return found.length > 0 ? found : null;
      },
      { timeoutMillis: 120_000 },
    );
    const report = await waitFor('the primary to know it', async () => {
      const { backup = null } = (await cluster.status(await cluster.primary())) ?? {};
      return backup?.newest?.name === first ? backup : null;
    });
    expect(report.nextAt).not.toBeNull();
    const takers = (await cluster.observe()).filter(({ status }) => status?.backup?.last != null);
    expect(takers.map(({ status }) => status?.role)).toEqual(['standby']);
    expect(takers[0]?.status?.backup?.last).toMatchObject({ outcome: 'done', name: first, error: null });
  });

  test('take one when they are told to, of whom is named, and say how it went', async () => {
    await idle();
    const primary = await cluster.primary();
    const { stdout } = await cluster.pgwarden('backup', '--wait', '--from', 'primary', '-o', 'json');
    const taken = JSON.parse(stdout) as Taken;
    expect(taken).toMatchObject({ outcome: 'done', member: primary, error: null });
    expect(taken.dataBytes).toBeGreaterThan(10 * 1024 ** 2);
    expect(await names()).toContain(taken.name);
    const unknown = await cluster.tryPgwarden('backup', '--from', 'nobody');
    expect(unknown.exitCode).not.toBe(0);
  });

  test('take one at a time', async () => {
    await idle();
    const begun = await cluster.pgwarden('backup', '--from', 'standby');
    expect(begun.stdout).toContain('takes a backup');
    const second = await cluster.tryPgwarden('backup', '--from', 'primary', '-o', 'json');
    expect([second.exitCode, JSON.parse(second.stderr)]).toMatchObject([
      4,
      { error: { code: 'BACKUP_RUNNING' } },
    ]);
    await idle();
    expect((await names()).length).toBe(3);
  });

  test('end it cleanly, or take it to its end, when the primary is killed meanwhile', async () => {
    await idle();
    const before = await names();
    const primary = await cluster.primary();
    const running = cluster.tryPgwarden('backup', '--wait', '-o', 'json');
    await waitFor('the copy', async () =>
      (await cluster.observe()).some(({ status }) => (status?.backup?.running?.readBytes ?? 0) > 1024 ** 2),
    );
    await cluster.kill(primary);
    const ended = await running;
    const after = await names();
    if (ended.exitCode === 0) expect(after).toContain((JSON.parse(ended.stdout) as Taken).name);
    else {
      expect(JSON.parse(ended.stderr).error.code).toMatch(/^BACKUP_(PROMOTED|INTERRUPTED|PRIMARY)$/);
      expect(after).toEqual(before);
    }
    await cluster.waitUntilComplete();
    const { stdout } = await cluster.pgwarden('backup', '--wait', '-o', 'json');
    expect(await names()).toContain((JSON.parse(stdout) as Taken).name);
    const { unfinished } = await listBackups({ store, layout: WALG }, signal);
    expect(unfinished).toEqual([]);
  });
});
