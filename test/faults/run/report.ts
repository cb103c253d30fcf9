import { cpus } from 'node:os';
import { table } from '../../bench/table.ts';
import { BETWEEN_PARTS } from './combination.ts';
import type { Run } from './run-all.ts';
import type { Result } from './run-scenario.ts';

/** A scenario that was not run, and why. */
export interface Skipped {
  readonly scenario: string;
  readonly title: string;
  readonly why: string;
}

/** All runs of one scenario. */
interface Row {
  readonly title: string;
  readonly scenario: string;
  readonly runs: number;
  readonly longestGapMillis: number;
  readonly oldestReadMillis: number;
  readonly recoveryMillis: number;
  readonly acknowledgedRows: number;
  readonly registerOperations: number;
  readonly failed: number;
  readonly kinds: readonly string[];
}

export function summarizeRuns(results: readonly Result[]): readonly Row[] {
  return [...Map.groupBy(results, ({ scenario }) => scenario)].map(([scenario, runs]) => {
    const most = (value: (result: Result) => number): number => Math.max(...runs.map(value));
    const sum = (value: (result: Result) => number): number =>
      runs.reduce((total, result) => total + value(result), 0);
    return {
      scenario,
      title: runs[0]?.title ?? '',
      runs: runs.length,
      longestGapMillis: most((result) => result.longestGapMillis),
      oldestReadMillis: most((result) => result.oldestReadMillis),
      recoveryMillis: most((result) => result.recoveryMillis ?? 0),
      acknowledgedRows: sum((result) => result.acknowledgedRows),
      registerOperations: sum((result) => result.registerOperations),
      failed: runs.filter(({ violations }) => violations.length > 0).length,
      kinds: [...new Set(runs.flatMap(({ violations }) => violations.map(({ kind }) => kind)))],
    };
  });
}

const seconds = (millis: number): string => `${(millis / 1000).toFixed(1)} s`;
const verdict = ({ failed, runs, kinds }: Row): string =>
  failed === 0 ? 'held' : `FAILED ${failed} of ${runs}: ${kinds.join(', ')}`;

/** For the terminal. */
export function asTable(results: readonly Result[], skipped: readonly Skipped[]): string {
  const lines = summarizeRuns(results).map((row) => [
    row.scenario,
    String(row.runs),
    seconds(row.longestGapMillis),
    seconds(row.recoveryMillis),
    seconds(row.oldestReadMillis),
    String(row.acknowledgedRows),
    verdict(row),
  ]);
  const head = ['scenario', 'runs', 'longest gap', 'recovery', 'oldest read', 'rows', 'verdict'];
  const rest = skipped.map(({ scenario, why }) => `not run: ${scenario}: ${why}`);
  return [table([head, ...lines]), ...rest].join('\n');
}

/** The part of `docs/faults.md` between its two marks. */
export function asMarkdown(results: readonly Run[], skipped: readonly Skipped[]): string {
  const rows = summarizeRuns(results.filter((one) => !isCombination(one)));
  const combinations = results.filter(isCombination);
  const totals = summarizeRuns(results).reduce(
    (sum, row) => ({
      runs: sum.runs + row.runs,
      rows: sum.rows + row.acknowledgedRows,
      operations: sum.operations + row.registerOperations,
      failed: sum.failed + row.failed,
    }),
    { runs: 0, rows: 0, operations: 0, failed: 0 },
  );
  return [
    `${whenAndWhat(results)}, ${cpus().length} cores: ${totals.runs} runs, ${totals.rows} acknowledged rows, ` +
      `${totals.operations} register operations, ${totals.failed} failed runs.`,
    '',
    '| scenario | runs | longest write gap | all stream again | oldest plain read | acknowledged rows | verdict |',
    '|---|---:|---:|---:|---:|---:|---|',
    ...rows.map(
      (row) =>
        `| \`${row.scenario}\`: ${row.title} | ${row.runs} | ${seconds(row.longestGapMillis)} | ${seconds(row.recoveryMillis)} | ` +
        `${seconds(row.oldestReadMillis)} | ${row.acknowledgedRows} | ${verdict(row)} |`,
    ),
    ...(combinations.length === 0 ? [] : ['', ...ofCombinations(combinations)]),
    ...(skipped.length === 0
      ? []
      : ['', ...skipped.map(({ scenario, why }) => `- not run: \`${scenario}\`: ${why}`)]),
  ].join('\n');
}

const isCombination = ({ scenario }: Result): boolean => scenario.includes(BETWEEN_PARTS);

/** One line for all that held; each that failed has its own. */
function ofCombinations(runs: readonly Result[]): readonly string[] {
  const failed = runs.filter(({ violations }) => violations.length > 0);
  const most = (value: (result: Result) => number): string => seconds(Math.max(...runs.map(value)));
  return [
    `Besides, ${runs.length} random combinations of two or three faults, ${failed.length} failed: longest write gap ` +
      `${most((run) => run.longestGapMillis)}, all stream again within ${most((run) => run.recoveryMillis ?? 0)}.`,
    ...failed.flatMap(({ scenario, violations }) => [
      '',
      `- FAILED: \`${scenario}\`: ${[...new Set(violations.map(({ kind }) => kind))].join(', ')}`,
    ]),
  ];
}

/** From the first run to the last, UTC, and of which commits. */
function whenAndWhat(results: readonly Run[]): string {
  const sorted = results.toSorted((one, other) => one.began.localeCompare(other.began));
  const minute = (run: Run | undefined): string => (run?.began ?? '').slice(0, 16).replace('T', ' ');
  const commits = [...new Set(sorted.map(({ commit }) => commit ?? 'unknown'))];
  return `${minute(sorted[0])} to ${minute(sorted.at(-1))}, commit${commits.length === 1 ? '' : 's'} ${commits.join(', ')}`;
}

const BEGIN = '<!-- results: npm run test:faults -- --report -->';
const END = '<!-- end of results -->';

/** The page with its results replaced. Throws TypeError where the marks are missing. */
export function withResults(page: string, results: string): string {
  const from = page.indexOf(BEGIN);
  const to = page.indexOf(END);
  if (from < 0 || to < from) throw new TypeError(`the page lacks the lines ${BEGIN} and ${END}`);
  return `${page.slice(0, from + BEGIN.length)}\n\n${results}\n\n${page.slice(to)}`;
}
