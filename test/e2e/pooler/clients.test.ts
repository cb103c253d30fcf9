import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ensurePackages } from '../../../scripts/setup/pooler-tools.mjs';
import { findBinaries } from '../../../src/postgres/find-binaries.ts';
import { DemoCluster } from '../cluster.ts';
import { parseMultiHostUrl } from '../connect.ts';
import { waitFor } from '../wait-for.ts';
import { documentedUrls } from './documented-urls.ts';

const PYTHON = '/usr/bin/python3';
const PSYCOPG = '/usr/lib/python3/dist-packages/psycopg';
const JDBC = '/usr/share/java/postgresql.jar';
const SQL = "select current_setting('port')";

const noPsycopg = await ensurePackages({ [PSYCOPG]: 'python3-psycopg' });
// A JDK is not installed for this: it is larger than all else together.
const noJdbc = existsSync('/usr/bin/javac')
  ? await ensurePackages({ [JDBC]: 'libpostgresql-jdbc-java' })
  : '(needs a JDK: /usr/bin/javac)';

describe('the URLs of docs/poolers.md', () => {
  let cluster: DemoCluster;
  beforeAll(async () => {
    cluster = await DemoCluster.start();
  });
  afterAll(() => cluster?.[Symbol.asyncDispose]());

  async function psql(url: string): Promise<number> {
    const { directory } = await findBinaries(null);
    return Number((await execa(join(directory, 'psql'), [url, '-XAtc', SQL])).stdout);
  }
  async function psycopg(url: string): Promise<number> {
    const program =
      'import psycopg, sys\nprint(psycopg.connect(sys.argv[1]).execute(sys.argv[2]).fetchone()[0])';
    return Number((await execa(PYTHON, ['-c', program, url, SQL])).stdout);
  }
  async function jdbc(url: string): Promise<number> {
    const { user, password } = parseMultiHostUrl(cluster.url);
    const source = join(import.meta.dirname, 'JdbcClient.java');
    return Number((await execa('java', ['-cp', JDBC, source, url, user, password])).stdout);
  }
  const urls = () => documentedUrls(parseMultiHostUrl(cluster.url));
  const portsOf = async (names: readonly string[]): Promise<readonly number[]> =>
    await Promise.all(names.map(async (name) => (await cluster.member(name)).port));

  async function leadWritersAndReaders(
    client: (url: string) => Promise<number>,
    writers: string,
    readers: string,
  ): Promise<void> {
    expect([await client(writers)]).toEqual(await portsOf([await cluster.primary()]));
    expect(await portsOf(await cluster.standbys())).toContain(await client(readers));
  }

  describe.each(['at the first primary', 'after a switchover', 'while a member is down'])('%s', (when) => {
    beforeAll(async () => {
      await cluster.waitUntilComplete();
      if (when === 'after a switchover') await cluster.pgwarden('switchover');
      // libpq stops at a host that lets nobody in, as a member does between two roles (docs/poolers.md).
      await waitFor('everyone to let clients in', async () =>
        (await cluster.observe()).every(({ status }) => status?.open),
      );
      if (when === 'while a member is down') {
        const before = await cluster.primary();
        await cluster.kill(before, { stayDown: true });
        expect(await cluster.primary()).not.toBe(before);
      }
    });

    test('lead libpq to the primary, and readers to a standby', async () => {
      const { libpq, libpqReaders } = await urls();
      await leadWritersAndReaders(psql, libpq, libpqReaders);
    });

    test.skipIf(noPsycopg !== null)(
      `lead psycopg to the primary, and readers to a standby ${noPsycopg ?? ''}`,
      async () => {
        const { libpq, libpqReaders } = await urls();
        await leadWritersAndReaders(psycopg, libpq, libpqReaders);
      },
    );

    test.skipIf(noJdbc !== null)(
      `lead JDBC to the primary, and readers to a standby ${noJdbc ?? ''}`,
      async () => {
        const found = await urls();
        await leadWritersAndReaders(jdbc, found.jdbc, found.jdbcReaders);
      },
    );
  });
});
