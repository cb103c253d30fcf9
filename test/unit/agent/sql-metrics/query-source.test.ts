import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { QuerySource } from '../../../../src/agent/sql-metrics/query-source.ts';

const query = (name: string): string =>
  `${name}:\n  query: select 1 as n\n  metrics: [{n: {usage: GAUGE}}]\n`;

describe('files of queries', () => {
  let directory: string;
  let log: string[];
  let source: QuerySource;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'pgwarden-queries-'));
    log = [];
    const write = (fields: Readonly<Record<string, unknown>>): void => void log.push(String(fields.event));
    source = new QuerySource({ debug: write, info: write, warn: write, error: write });
  });
  afterEach(() => rm(directory, { recursive: true, force: true }));

  const names = (): readonly string[] => source.queries.map(({ name }) => name);
  async function file(name: string, text: string): Promise<string> {
    const path = join(directory, name);
    await writeFile(path, text);
    return path;
  }

  test('are in use at the first look, and a change at the second that finds it', async () => {
    const path = await file('a.yaml', query('a'));
    expect(await source.look([path], '')).toBe(true);
    expect(names()).toEqual(['a']);
    await file('a.yaml', `${query('a')}half`);
    expect(await source.look([path], '')).toBe(false);
    await file('a.yaml', query('b'));
    expect(await source.look([path], '')).toBe(false);
    expect(source.report([path])).toEqual([{ file: path, isLoaded: false }]);
    expect(await source.look([path], '')).toBe(true);
    expect(names()).toEqual(['b']);
    expect(await source.look([path], '')).toBe(false);
    expect(log).toEqual(['metrics.queries.loaded', 'metrics.queries.loaded']);
  });

  test('that are wrong change nothing, and are told once', async () => {
    const path = await file('a.yaml', query('a'));
    await source.look([path], '');
    await file('a.yaml', 'a: 1');
    for (let looks = 0; looks < 4; looks++) expect(await source.look([path], '')).toBe(false);
    expect(names()).toEqual(['a']);
    expect(log).toEqual(['metrics.queries.loaded', 'metrics.queries.refused']);
  });

  test('that go away go on, and are told once', async () => {
    const path = await file('a.yaml', query('a'));
    await source.look([path], '');
    await rm(path);
    for (let looks = 0; looks < 3; looks++) expect(await source.look([path], '')).toBe(false);
    expect(names()).toEqual(['a']);
    expect(source.report([path])).toEqual([{ file: path, isLoaded: false }]);
    expect(log).toEqual(['metrics.queries.loaded', 'metrics.queries.unreadable']);
  });

  test('may be others after a reload, or have another prefix', async () => {
    const a = await file('a.yaml', query('a'));
    const b = await file('b.yaml', query('b'));
    await source.look([a], '');
    expect(await source.look([a, b], '')).toBe(true);
    expect(names()).toEqual(['a', 'b']);
    expect(await source.look([a, b], 'cnpg_')).toBe(true);
    expect(source.queries[0]?.columns).toMatchObject([{ metric: 'cnpg_a_n' }]);
    expect(await source.look([], 'cnpg_')).toBe(true);
    expect(names()).toEqual([]);
  });

  test('one that takes the name of another is refused, and the other goes on', async () => {
    const a = await file('a.yaml', query('a'));
    const b = await file('b.yaml', query('b'));
    await source.look([a, b], '');
    await file('b.yaml', query('a'));
    await source.look([a, b], '');
    await source.look([a, b], '');
    expect(names()).toEqual(['a', 'b']);
    expect(log.at(-1)).toBe('metrics.queries.refused');
  });
});
