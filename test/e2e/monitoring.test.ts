import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { otherNames, readScrapes, TARGET_LABELS, usesOf } from '../integration/monitoring/queries.ts';
import { DemoCluster } from './cluster.ts';
import { waitFor } from './wait-for.ts';

const PLAIN = join(import.meta.dirname, '..', '..', 'manifests', 'components', 'monitoring', 'plain');

interface Panel {
  readonly title: string;
  readonly type: string;
  readonly targets?: readonly { readonly expr: string }[];
}

interface Dashboard {
  readonly panels: readonly Panel[];
  readonly annotations: { readonly list: readonly { readonly name: string; readonly expr: string }[] };
}

interface Rules {
  readonly groups: readonly {
    readonly rules: readonly { readonly alert: string; readonly expr: string }[];
  }[];
}

/** No healthy cluster shows a series of these: the labels that they are given in src/http. */
const SHOWN_IN_TROUBLE: Readonly<Record<string, readonly string[]>> = {
  pgwarden_problem: ['code'],
  pgwarden_archive_failing: ['code'],
};

describe('the dashboard and the alerts ask for what agents export', () => {
  let cluster: DemoCluster;
  let scraped: ReadonlyMap<string, ReadonlySet<string>>;

  beforeAll(async () => {
    cluster = await DemoCluster.start();
    await cluster.pgwarden('switchover');
    await cluster.waitUntilComplete();
    const { members } = await cluster.cluster(await cluster.primary());
    // Postgres's own numbers are sampled every ten seconds.
    scraped = await waitFor('the sessions and slots of Postgres in the metrics', async () => {
      const texts = members.map(async ({ http }) => (await fetch(`${http}/metrics`)).text());
      const seen = readScrapes(await Promise.all(texts));
      const sampled = ['pgwarden_connections', 'pgwarden_slot_retained_bytes'];
      return sampled.every((name) => (seen.get(name)?.size ?? 0) > 0) ? seen : null;
    });
  });
  afterAll(() => cluster?.[Symbol.asyncDispose]());

  function unknown(query: string): readonly string[] {
    const uses = usesOf(query);
    const wrong = uses.flatMap(({ metric, labels }) => {
      if (metric === 'up') return labels.filter((label) => !TARGET_LABELS.includes(label));
      const known = scraped.get(metric);
      if (known === undefined) return [metric];
      const allowed = new Set([...known, ...TARGET_LABELS, ...(SHOWN_IN_TROUBLE[metric] ?? [])]);
      return labels.filter((label) => !allowed.has(label)).map((label) => `${metric}{${label}}`);
    });
    return [...wrong, ...otherNames(query), ...(uses.length === 0 ? ['no metric at all'] : [])];
  }

  test('every panel and every annotation of the dashboard', async () => {
    const board = JSON.parse(await readFile(join(PLAIN, 'dashboard.json'), 'utf8')) as Dashboard;
    const panels = board.panels.filter(({ type }) => type !== 'row');
    expect(panels.filter(({ targets }) => (targets ?? []).length === 0)).toEqual([]);
    const asked = [
      ...panels.flatMap(({ title, targets = [] }) => targets.map(({ expr }) => ({ title, expr }))),
      ...board.annotations.list.map(({ name, expr }) => ({ title: name, expr })),
    ];
    expect(asked.flatMap(({ title, expr }) => unknown(expr).map((what) => `${title}: ${what}`))).toEqual([]);
  });

  test('every alert', async () => {
    const { groups } = parse(await readFile(join(PLAIN, 'rules.yaml'), 'utf8')) as Rules;
    const rules = groups.flatMap((group) => group.rules);
    expect(rules.flatMap(({ alert, expr }) => unknown(expr).map((what) => `${alert}: ${what}`))).toEqual([]);
  });

  test('a metric or label that no agent has is found', () => {
    expect(unknown('max(pgwarden_opne{namespace="x"})')).toEqual(['pgwarden_opne']);
    expect(unknown('pgwarden_slot_active{slots="x"}')).toEqual(['pgwarden_slot_active{slots}']);
    expect(unknown('sum by (phases) (pgwarden_open)')).toEqual(['pgwarden_open{phases}']);
    expect(unknown('max(pg_up)')).toEqual(['pg_up', 'no metric at all']);
  });
});
