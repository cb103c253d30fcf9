import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { expect, inject } from 'vitest';
import { MAIN } from '../cluster.ts';
import { waitFor } from '../wait-for.ts';
import { ask, uids } from './change.ts';
import { KubernetesCluster } from './cluster.ts';
import { testLong } from './long.ts';
import { underFault } from './under-fault.ts';

interface Secret {
  readonly metadata: { readonly name: string };
  readonly stringData: Readonly<Record<string, string>>;
}

testLong(
  'the component tls: everybody may check the server, and a renewed certificate needs no restart',
  async () => {
    const namespace = `pgwarden-tls-${process.pid}`;
    const directory = await mkdtemp(join(tmpdir(), 'pgwarden-tls-'));
    try {
      const first = await certs('-n', namespace);
      for (const { stringData } of first.items)
        for (const [name, text] of Object.entries(stringData)) await writeFile(join(directory, name), text);
      await using cluster = await KubernetesCluster.start({
        image: inject('image'),
        namespace,
        components: ['tls'],
        before: [JSON.stringify(first)],
      });
      await cluster.waitUntilComplete();
      await underFault(
        cluster,
        { name: 'certificate renewed', longestGapMillis: 3000 },
        async ({ primary }) => {
          expect(await ask(cluster, primary, 'show ssl')).toBe('on');
          expect(await checked(cluster, primary)).toBe('t');
          const before = { pods: await uids(cluster), serial: await serial(cluster, primary) };
          const authority = [
            '--ca-certificate',
            join(directory, 'ca.crt'),
            '--ca-key',
            join(directory, 'ca.key'),
          ];
          const second = await certs('-n', namespace, ...authority);
          await cluster.kubectl(['apply', '-f', '-'], { input: JSON.stringify(second) });
          await cluster.kubectl(['annotate', 'pods', '--all', 'test.pgwarden.dev/looked=now', '--overwrite']);
          await waitFor(
            'another certificate',
            async () => (await serial(cluster, primary)) !== before.serial,
            {
              timeoutMillis: 120_000,
              intervalMillis: 2000,
            },
          );
          expect(await checked(cluster, primary)).toBe('t');
          expect(await uids(cluster)).toEqual(before.pods);
          return undefined;
        },
      );
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  },
);

async function certs(...args: readonly string[]): Promise<{ readonly items: readonly Secret[] }> {
  const { stdout } = await execa(process.execPath, [MAIN, 'certs', '-o', 'json', ...args]);
  return JSON.parse(stdout) as { items: readonly Secret[] };
}

/** Whether a client that insists on the authority and the Service's name gets in, by TLS. */
async function checked(cluster: KubernetesCluster, pod: string): Promise<string> {
  const url = `${cluster.url('pg-rw')}&sslmode=verify-full&sslrootcert=/etc/pgwarden/tls/ca.crt`;
  const sql = 'select ssl from pg_stat_ssl where pid = pg_backend_pid()';
  return (await cluster.kubectl(['exec', pod, '-c', 'postgres', '--', 'psql', url, '-XAtqc', sql])).trim();
}

/** Of the certificate that the server shows, as openssl tells it. */
async function serial(cluster: KubernetesCluster, pod: string): Promise<string> {
  const show =
    'openssl s_client -starttls postgres -connect 127.0.0.1:5432 </dev/null 2>/dev/null | openssl x509 -noout -serial';
  return await cluster.kubectl(['exec', pod, '-c', 'postgres', '--', 'sh', '-c', show]);
}
