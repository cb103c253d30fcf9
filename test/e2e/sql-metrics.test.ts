import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { ensurePromtool } from '../../scripts/setup/prometheus-tools.mjs';
import { demoMember, openDemo } from '../../src/demo/state.ts';
import { DemoCluster, MAIN } from './cluster.ts';
import { settingsOf } from './lone-agent.ts';
import { waitFor } from './wait-for.ts';

const QUERIES = `
size:
  query: select current_database()::text as datname, pg_database_size(current_database()) as bytes
  target_databases: ["*"]
  metrics: [{datname: {usage: LABEL}}, {bytes: {usage: GAUGE, description: Size}}]
leader:
  query: select 1 as n
  primary: true
  metrics: [{n: {usage: COUNTER, description: 'Of the primary, in "quotes"'}}]
`;

describe('metrics by SQL queries of a running cluster', () => {
  let cluster: DemoCluster;
  let file: string;
  beforeAll(async () => {
    cluster = await DemoCluster.start();
    file = join(cluster.dir, 'queries.yaml');
    await writeFile(file, QUERIES, { mode: 0o644 });
    const { members } = await cluster.cluster(await cluster.primary());
    for (const { name } of members) await configure(name);
  });
  afterAll(() => cluster?.[Symbol.asyncDispose]());

  async function configure(member: string): Promise<void> {
    const settings = await settingsOf(cluster, member);
    const { config } = demoMember(await openDemo(cluster.dir), member);
    await writeFile(config, stringify({ ...settings, metrics: { queryFiles: [file], queryInterval: '1s' } }));
  }

  /** The scrape of each member, by name, once `seen` holds of all of them. */
  async function scrapes(
    what: string,
    seen: (text: string, role: string) => boolean,
  ): Promise<ReadonlyMap<string, string>> {
    return await waitFor(what, async () => {
      const { members } = await cluster.cluster(await cluster.primary());
      const texts = await Promise.all(
        members.map(async ({ name, role, http }) => ({
          name,
          role,
          text: await (await fetch(`${http}/metrics`)).text(),
        })),
      );
      return texts.every(({ text, role }) => seen(text, role))
        ? new Map(texts.map(({ name, text }) => [name, text]))
        : null;
    });
  }

  const hasLeader = (text: string): boolean => text.includes('\npgwarden_sql_leader_n 1\n');
  const isWhole = (text: string, role: string): boolean =>
    text.includes('pgwarden_sql_size_bytes{datname="app"}') && hasLeader(text) === (role === 'primary');

  test('come without a restart, on every member what it may run, and follow the primary', async () => {
    const before = await scrapes('the metrics', isWhole);
    const promtool = await ensurePromtool();
    for (const [name, text] of before) {
      const { exitCode, all } = await execa(promtool, ['check', 'metrics'], {
        input: text,
        all: true,
        reject: false,
      });
      // Its advice on names (exit code 3) is not asked for; what it cannot read is.
      expect([0, 3], `${name}: ${all}`).toContain(exitCode);
      expect(text).toContain('pgwarden_metric_query_success{query="size"} 1');
      expect(text).toContain(`pgwarden_metric_file_loaded{file="${file}"} 1`);
    }
    await cluster.pgwarden('switchover');
    await cluster.waitUntilComplete();
    await scrapes('the metrics of the new primary', isWhole);
  });

  test('a wrong file is told by config check with its line, and by nothing that stops', async () => {
    const { members } = await cluster.cluster(await cluster.primary());
    const { config } = demoMember(await openDemo(cluster.dir), members[0]?.name ?? '');
    const right = await readFile(file, 'utf8');
    await writeFile(file, right.replace('usage: GAUGE', 'usage: GUAGE'));
    const { exitCode, stderr } = await execa(
      process.execPath,
      [MAIN, 'config', 'check', '--config', config],
      { reject: false },
    );
    expect(exitCode).not.toBe(0);
    expect(stderr).toContain(`size.metrics.1.bytes.usage (${file} line 5): allowed: LABEL, GAUGE`);
    await scrapes('the complaint', (text) => text.includes(`pgwarden_metric_file_loaded{file="${file}"} 0`));
    await scrapes('the metrics as they were', isWhole);
    await writeFile(file, right);
    await scrapes('the file again', (text) => text.includes(`pgwarden_metric_file_loaded{file="${file}"} 1`));
  });
});
