import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { Gaps } from '../../faults/load/gaps.ts';
import { asMarkdown, summarizeRuns, withResults } from '../../faults/run/report.ts';
import { addResults } from '../../faults/run/results-file.ts';
import type { Run } from '../../faults/run/run-all.ts';

const result = (run: number, more: Partial<Run> = {}): Run => ({
  scenario: 'kill',
  title: 'something is killed',
  run,
  began: `2026-01-02T03:0${run}:00.000Z`,
  commit: 'abc1234',
  longestGapMillis: 1000 * run,
  recoveryMillis: 400,
  oldestReadMillis: 0,
  acknowledgedRows: 100,
  registerOperations: 50,
  notes: [],
  violations: [],
  ...more,
});

describe('the report', () => {
  test('tells the worst of all runs of a scenario, and fails it for one of them', () => {
    const failed = result(3, { recoveryMillis: null, violations: [{ kind: 'row-lost', message: '' }] });
    const [row] = summarizeRuns([result(1), result(2), failed]);
    expect(row).toMatchObject({ runs: 3, longestGapMillis: 3000, acknowledgedRows: 300, failed: 1 });
    expect(asMarkdown([result(1), failed], [])).toContain('FAILED 1 of 2: row-lost');
    expect(asMarkdown([result(1)], [])).toContain('| held |');
  });

  test('says when the runs were made, and of which commits', () => {
    const all = [result(2, { commit: 'def5678' }), result(1)];
    expect(asMarkdown(all, [])).toMatch(
      /^2026-01-02 03:01 to 2026-01-02 03:02, commits abc1234, def5678, \d+ cores: 2 runs, 200 acknowledged rows/,
    );
  });

  test('tells of all random combinations in one line, and names each that failed', () => {
    const violations = [{ kind: 'row-lost', message: '' }] as const;
    const page = asMarkdown(
      [result(1), result(2, { scenario: 'kill+cut' }), result(3, { scenario: 'cut+freeze', violations })],
      [],
    );
    expect(page).toContain('2 random combinations of two or three faults, 1 failed: longest write gap 3.0 s');
    expect(page).toContain('- FAILED: `cut+freeze`: row-lost');
    expect(page).not.toContain('`kill+cut`');
    expect(page).toContain('3 runs, 300 acknowledged rows');
  });

  test('takes the place of the results of a page, and of nothing else', () => {
    const page =
      'before\n<!-- results: npm run test:faults -- --report -->\nold\n<!-- end of results -->\nafter\n';
    const next = withResults(page, 'new');
    expect(next).toContain('before');
    expect(next).toContain('\nnew\n');
    expect(next).toContain('after');
    expect(next).not.toContain('old');
    expect(withResults(next, 'new')).toBe(next);
    expect(() => withResults('nothing', 'new')).toThrow(TypeError);
  });
});

describe('a file of results', () => {
  test('adds up what was run in parts, and forgets that something was left out once it was run', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'pgwarden-results-'));
    try {
      const file = join(directory, 'results.json');
      const skipped = [{ scenario: 'kill', title: '', why: 'not here' }];
      expect(await addResults(file, { results: [], skipped })).toEqual({ results: [], skipped });
      const all = await addResults(file, { results: [result(1)], skipped: [] });
      expect(all).toEqual({ results: [result(1)], skipped: [] });
      expect((await addResults(file, { results: [result(2)], skipped })).results).toHaveLength(2);
    } finally {
      await rm(directory, { recursive: true });
    }
  });
});

describe('the longest gap', () => {
  test('is one that ended after the fault, or goes on', () => {
    const gaps = new Gaps(0);
    gaps.note(500);
    gaps.note(600);
    gaps.note(900);
    expect(gaps.longest(550, 910)).toBe(300);
    expect(gaps.longest(0, 910)).toBe(500);
    expect(gaps.longest(550, 1400)).toBe(500);
    gaps.end(1000);
    expect(gaps.longest(550, 9999)).toBe(300);
  });
});
