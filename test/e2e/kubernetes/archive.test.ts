import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { type AddressInfo, connect, createServer, type Server } from 'node:net';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { BUCKET, obtainS3Server, type S3Server } from '../../s3/server.ts';
import { waitFor } from '../wait-for.ts';
import { ask } from './change.ts';
import { KubernetesCluster, type StartOptions } from './cluster.ts';
import { describeLong } from './long.ts';

/** Of node-1: pods reach this machine by it. */
const OUTSIDE = '10.244.1.1';
/** What the overlay asks for that these nodes have not. */
const ON_SMALL_NODES = {
  target: { kind: 'StatefulSet', name: 'pg' },
  patch: JSON.stringify([
    { op: 'replace', path: '/spec/template/spec/containers/0/resources/requests/cpu', value: '250m' },
    { op: 'replace', path: '/spec/template/spec/containers/0/resources/requests/memory', value: '1Gi' },
    { op: 'replace', path: '/spec/volumeClaimTemplates/0/spec/storageClassName', value: 'standard' },
  ]),
};
const SLOW = { timeoutMillis: 120_000, intervalMillis: 1000 };

describeLong('an archive in S3', () => {
  let server: S3Server | null = null;
  let door: Server | null = null;
  let endpoint: string;
  let keys: string;
  let why = 'the S3 server runs on the machine of the nodes, and they are not of test/kube';
  beforeAll(async () => {
    if (!inject('ownNodes')) return;
    const obtained = await obtainS3Server();
    server = obtained.server;
    why = obtained.reason ?? '';
    if (server === null) return;
    door = await openTo(server.port);
    endpoint = `http://${OUTSIDE}:${(door.address() as AddressInfo).port}`;
    const { credentials } = server.settings();
    keys = JSON.stringify({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'pg-archive' },
      stringData: {
        AWS_ACCESS_KEY_ID: (await readFile(credentials?.accessKeyIdFile ?? '', 'utf8')).trim(),
        AWS_SECRET_ACCESS_KEY: (await readFile(credentials?.secretAccessKeyFile ?? '', 'utf8')).trim(),
      },
    });
  }, 720_000);
  afterAll(async () => {
    door?.close();
    await server?.[Symbol.asyncDispose]();
  });

  test('a second cluster begins out of the archive of the first, at a moment that is named', async ({
    skip,
  }) => {
    if (server === null) skip(why);
    await using first = await start('first', { overlay: 'production', patches: [ON_SMALL_NODES] });
    try {
      await first.waitUntilComplete();
      const primary = await first.primary();
      await waitFor(
        'the first backup, which the schedule takes at once',
        // One that is under way has no range yet.
        async () => / to \d{4}-/.test(await first.pgwarden(['backup', 'list'])),
        SLOW,
      );
      await ask(first, primary, 'create table orders as select generate_series(1, 1000) as id');
      const moment = await ask(first, primary, 'select now()');
      await ask(first, primary, 'delete from orders where id > 10');
      const segment = await superuser(first, primary, 'select pg_walfile_name(pg_switch_wal())');
      await waitFor(
        'the deletion to be in the archive',
        async () => {
          const last = 'select last_archived_wal from pg_stat_archiver';
          return (await superuser(first, primary, last)) >= segment;
        },
        SLOW,
      );

      await using second = await start(
        'second',
        { components: ['s3-archive'] },
        {
          PGWARDEN_BOOTSTRAP_RECOVERY_FROM: `s3://${BUCKET}/first`,
          PGWARDEN_BOOTSTRAP_RECOVERY_TO_TIME: moment,
        },
      );
      try {
        await second.waitUntilComplete();
        for (const { metadata } of await second.pods())
          expect(await ask(second, metadata.name, 'select count(*) from orders')).toBe('1000');
        await waitFor(
          'an archive of its own',
          async () => {
            const archived = 'select archived_count > 0 from pg_stat_archiver';
            return (await superuser(second, await second.primary(), archived)) === 't';
          },
          SLOW,
        );
      } catch (error) {
        await second.keepEvidence('restored');
        throw error;
      }
      expect(await ask(first, await first.primary(), 'select count(*) from orders')).toBe('10');
    } catch (error) {
      await first.keepEvidence('archive');
      throw error;
    }
  });

  async function start(
    prefix: string,
    options: Pick<StartOptions, 'overlay' | 'components' | 'patches'>,
    environment: Readonly<Record<string, string>> = {},
  ): Promise<KubernetesCluster> {
    const data = {
      PGWARDEN_ARCHIVE_URL: `s3://${BUCKET}/${prefix}`,
      PGWARDEN_ARCHIVE_S3_ENDPOINT: endpoint,
      PGWARDEN_ARCHIVE_S3_PATH_STYLE: 'true',
      ...environment,
    };
    return await KubernetesCluster.start({
      ...options,
      image: inject('image'),
      before: [keys],
      patches: [
        ...(options.patches ?? []),
        {
          target: { kind: 'ConfigMap', name: 'pg-archive' },
          patch: JSON.stringify({
            apiVersion: 'v1',
            kind: 'ConfigMap',
            metadata: { name: 'pg-archive' },
            data,
          }),
        },
      ],
    });
  }
});

/** The S3 server listens on this machine alone; what connects here gets to it. */
async function openTo(port: number): Promise<Server> {
  const opened = createServer((socket) => {
    const inner = connect(port, '127.0.0.1');
    socket.pipe(inner).pipe(socket);
    socket.on('error', () => inner.destroy());
    inner.on('error', () => socket.destroy());
  }).listen(0, OUTSIDE);
  await once(opened, 'listening');
  return opened;
}

async function superuser(cluster: KubernetesCluster, pod: string, sql: string): Promise<string> {
  return (await cluster.kubectl(['exec', pod, '-c', 'postgres', '--', 'psql', '-XAtqc', sql])).trim();
}
