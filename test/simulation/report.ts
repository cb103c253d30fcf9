import { FAULT_KINDS } from './faults/acts.ts';
import type { Tally } from './tally.ts';
import { pairOf } from './world/coverage.ts';

const FAULT = 'fault: ';
const DECISION = 'decision: ';
const PAIR = / [×&] /;

/** So many that are missing are named. */
const NAMED = 60;

/** One line for the one who waits. `seconds`: since it began. */
export function progress(tally: Tally, of: number, seconds: number): string {
  const { schedules, violations } = tally;
  const left = schedules === 0 ? 0 : ((of - schedules) * seconds) / schedules;
  const share = ((100 * schedules) / of).toFixed(1);
  return `${schedules} of ${of} schedules (${share} %), ${rates(tally, seconds)}, ${violations.length} violations, ${duration(left)} left`;
}

function rates({ schedules, coreSeconds }: Tally, seconds: number): string {
  const rate = (of: number): number => Math.round(schedules / Math.max(of, 0.001));
  return `${rate(seconds)} a second, ${rate(coreSeconds)} a second of CPU time`;
}

function duration(seconds: number): string {
  return seconds < 100 ? `${Math.round(seconds)} s` : `${Math.round(seconds / 60)} min`;
}

/** Everything that was counted, and what never happened. */
export function report(tally: Tally, seconds: number): string {
  const { schedules, events, steps, rounds, acknowledged, slowest, violations } = tally;
  const each = (count: number): string => (count / Math.max(1, schedules)).toFixed(0);
  return [
    ...countsOf(tally),
    '',
    ...decisionsUnderFaults(tally),
    '',
    ...faultsUnderFaults(tally),
    '',
    `${each(events)} events (${each(steps)} of the engine, ${each(rounds)} rounds of the loop) a schedule`,
    `${acknowledged} commits acknowledged by a quorum, slowest recovery ${Math.round(slowest)} ms`,
    `${schedules} schedules in ${seconds.toFixed(0)} s: ${rates(tally, seconds)}`,
    `${violations.length} violations`,
    '',
  ].join('\n');
}

function countsOf({ coverage }: Tally): string[] {
  return Object.entries(coverage)
    .filter(([what]) => !PAIR.test(what))
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([what, count]) => `${String(count).padStart(10)}  ${what}`);
}

/** A line a fault: how often each decision was taken while it was about. */
function decisionsUnderFaults({ coverage }: Tally): string[] {
  const decisions = Object.keys(coverage)
    .filter((what) => what.startsWith(DECISION))
    .map((what) => what.slice(DECISION.length))
    .sort();
  const faults = faultsOf(coverage);
  const name = (fault: string, decision: string): string => `${decision} × ${fault}`;
  return [
    `decisions: ${decisions.map((decision, index) => `${index + 1} ${decision}`).join(', ')}`,
    ...table(faults, decisions, (fault, decision) => coverage[name(fault, decision)] ?? 0),
    ...missing(
      'a decision and a fault',
      faults.flatMap((fault) => decisions.map((decision) => name(fault, decision))),
      coverage,
    ),
  ];
}

/** A line a fault: how often it came while another was about, or the other while it was. */
function faultsUnderFaults({ coverage }: Tally): string[] {
  const faults = faultsOf(coverage);
  const pairs = faults.flatMap((fault, index) => faults.slice(index).map((other) => pairOf(fault, other)));
  return [
    'faults, numbered as the lines are:',
    ...table(
      faults.map((fault, index) => `${index + 1} ${fault}`),
      faults,
      (line, other) => coverage[pairOf(line.slice(line.indexOf(' ') + 1), other)] ?? 0,
    ),
    ...missing('two faults', pairs, coverage),
  ];
}

function faultsOf(coverage: Tally['coverage']): readonly string[] {
  return FAULT_KINDS.filter((kind) => coverage[FAULT + kind] !== undefined).toSorted();
}

/** Columns are numbered, for want of room. */
function table(
  lines: readonly string[],
  columns: readonly string[],
  count: (line: string, column: string) => number,
): string[] {
  const width = Math.max(0, ...lines.map((line) => line.length));
  return [
    `${''.padEnd(width)}${columns.map((_, index) => String(index + 1).padStart(6)).join('')}`,
    ...lines.map(
      (line) =>
        `${line.padEnd(width)}${columns.map((column) => short(count(line, column)).padStart(6)).join('')}`,
    ),
  ];
}

function missing(what: string, all: readonly string[], coverage: Tally['coverage']): string[] {
  const never = all.filter((pair) => coverage[pair] === undefined);
  const named = never.length > 0 && never.length <= NAMED ? `; never: ${never.join(', ')}` : '';
  return [`${all.length - never.length} of ${all.length} pairs of ${what} occurred${named}`];
}

function short(count: number): string {
  if (count < 10_000) return String(count);
  return count < 10_000_000 ? `${Math.round(count / 1_000)}k` : `${Math.round(count / 1_000_000)}M`;
}
