import { existsSync } from 'node:fs';
import { chmod, chown, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { readIdentity } from '../../src/archive/identity.ts';
import { openStore } from '../../src/archive/store/open.ts';
import { type Demo, openDemo } from '../../src/demo/state.ts';
import { findBinaries } from '../../src/postgres/find-binaries.ts';
import { Bucket, binariesOfBuckets, whyNoBuckets } from '../integration/restore/buckets.ts';
import { DemoCluster, MAIN } from './cluster.ts';
import { waitFor } from './wait-for.ts';

const signal = AbortSignal.timeout(20 * 60_000);

/** Gives every member these settings besides its own, and the Postgres of this directory. */
async function configure(demo: Demo, binDirectory: string, more: Record<string, unknown>): Promise<void> {
  for (const { config } of demo.members) {
    const before = parse(await readFile(config, 'utf8')) as { readonly postgres: object };
    await writeFile(
      config,
      stringify({ ...before, postgres: { ...before.postgres, binDirectory }, ...more }),
    );
  }
}

/** As the superuser, over the member's own socket. */
async function askAsSuperuser(dir: string, name: string, sql: string): Promise<string[]> {
  const demo = await openDemo(dir);
  const { socketDirectory, port, volume } = demo.members.find((one) => one.name === name)!;
  const { uid, gid } = await stat(volume);
  const { directory } = await findBinaries(null);
  const args = ['-h', socketDirectory, '-p', String(port), '-U', 'postgres', '-XAtc', sql, 'postgres'];
  const { stdout } = await execa(join(directory, 'psql'), args, { cwd: '/', uid, gid });
  return stdout.split('\n');
}

const filesBelow = async (path: string): Promise<string[]> =>
  (await readdir(path, { recursive: true })).sort();

describe('three members that begin out of an archive of WAL-G', () => {
  let bucket: Bucket;
  let own: string;
  let before: string[];
  let cluster: DemoCluster;

  beforeEach(async (context) => {
    const why = await whyNoBuckets();
    if (why !== null) context.skip(why);
  });
  beforeAll(async () => {
    const binaries = await binariesOfBuckets();
    if (binaries === null) return;
    bucket = await Bucket.unpack('wal-g');
    before = await filesBelow(bucket.directory);
    await chmod(bucket.directory, 0o755);
    const killed = Promise.withResolvers<boolean>();
    cluster = await DemoCluster.start({
      timeoutSeconds: 180,
      prepare: async (demo) => {
        own = join(demo.layout.dir, '..', 'archive');
        await mkdir(own);
        const [first] = demo.members;
        const { uid, gid } = await stat(first!.volume);
        if (process.getuid?.() === 0) await chown(own, uid, gid);
        await configure(demo, binaries, {
          archive: { url: `file://${own}` },
          bootstrap: { recovery: { from: bucket.url, toName: 'after_two' } },
        });
        // The first member's agent dies as soon as it has something of the backup.
        const note = join(first!.volume, 'restoring', 'pgwarden-restore', 'restore.json');
        void waitFor('the restore to have begun', async () => existsSync(note), {
          timeoutMillis: 120_000,
        }).then(async () => {
          await killAgent(demo.layout.dir, first!.name);
          killed.resolve(true);
        }, killed.reject);
      },
    });
    expect(await killed.promise).toBe(true);
  });
  afterAll(async () => {
    await cluster?.[Symbol.asyncDispose]();
    await bucket?.[Symbol.asyncDispose]();
  });

  test('have what was there at the target, on every member, although the agent died in the middle', async () => {
    for (const name of cluster.names) {
      expect(await askAsSuperuser(cluster.dir, name, 'select id from marks order by 1')).toEqual(['1', '2']);
      expect(await askAsSuperuser(cluster.dir, name, 'select count(*) from pgbench_accounts')).toEqual([
        '100000',
      ]);
    }
  });

  test('are a cluster of their own, on a timeline of their own', async () => {
    const primary = await cluster.primary();
    const status = await cluster.status(primary);
    expect(status).toMatchObject({ timeline: 2, systemIdentifier: '7710553394147625644' });
    expect(status?.clusterUID).not.toBeNull();
    await cluster.query('create table mine as select 1 as one');
    expect(await cluster.query('select one from mine')).toEqual([{ one: 1 }]);
  });

  test('archive to a prefix of their own, and have written nothing into the source', async () => {
    const store = await openStore(`file://${own}`);
    const identity = await waitFor(
      'the archive to be claimed',
      async () => await readIdentity(store, { signal }),
    );
    const status = await cluster.status(await cluster.primary());
    expect(identity).toMatchObject({
      clusterUID: status?.clusterUID,
      systemIdentifier: '7710553394147625644',
    });
    store.close();
    expect(await filesBelow(bucket.directory)).toEqual(before);
  });

  test('survive the loss of the primary as any cluster does', async () => {
    const primary = await cluster.primary();
    await cluster.kill(primary);
    await cluster.waitUntilComplete();
    const [one] = await cluster.standbys();
    expect(await askAsSuperuser(cluster.dir, one!, 'select id from marks order by 1')).toEqual(['1', '2']);
  });
});

async function killAgent(dir: string, name: string): Promise<void> {
  await execa(process.execPath, [
    MAIN,
    'demo',
    'kill',
    name,
    '--what',
    'agent',
    '--signal',
    'KILL',
    '--dir',
    dir,
  ]);
}
