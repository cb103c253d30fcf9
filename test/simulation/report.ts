import { FAULT_KINDS } from './faults/acts.ts';
import type { Tally } from './tally.ts';

const FAULT = 'fault: ';
const DECISION = 'decision: ';
const PAIR = ' × ';

/** One line for the one who waits. */
export function progress({ schedules, coreSeconds, violations }: Tally, of: number): string {
  const rate = coreSeconds > 0 ? `${Math.round(schedules / coreSeconds)}/s and core, ` : '';
  return `${schedules} of ${of} schedules, ${rate}${violations.length} violations`;
}

/** Everything that was counted, and what never happened. */
export function report(tally: Tally, seconds: number): string {
  const { schedules, coreSeconds, events, steps, rounds, acknowledged, slowest, violations } = tally;
  const each = (count: number): string => (count / Math.max(1, schedules)).toFixed(0);
  return [
    ...countsOf(tally),
    '',
    ...pairsOf(tally),
    '',
    `${each(events)} events (${each(steps)} of the engine, ${each(rounds)} rounds of the loop) a schedule`,
    `${acknowledged} commits acknowledged by a quorum, slowest recovery ${Math.round(slowest)} ms`,
    `${schedules} schedules in ${seconds.toFixed(0)} s: ${Math.round(schedules / seconds)} a second, ${Math.round(schedules / coreSeconds)} a second and core`,
    `${violations.length} violations`,
    '',
  ].join('\n');
}

function countsOf({ coverage }: Tally): string[] {
  return Object.entries(coverage)
    .filter(([what]) => !what.includes(PAIR))
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([what, count]) => `${String(count).padStart(10)}  ${what}`);
}

/** A line a fault: how often each decision was taken while it was about. Columns are numbered, for want of room. */
function pairsOf({ coverage }: Tally): string[] {
  const decisions = Object.keys(coverage)
    .filter((what) => what.startsWith(DECISION))
    .map((what) => what.slice(DECISION.length))
    .sort();
  const faults = FAULT_KINDS.filter((kind) => coverage[FAULT + kind] !== undefined).toSorted();
  const width = Math.max(0, ...faults.map((fault) => fault.length));
  const count = (fault: string, decision: string): number => coverage[decision + PAIR + fault] ?? 0;
  const missing = faults.flatMap((fault) =>
    decisions
      .filter((decision) => count(fault, decision) === 0)
      .map((decision) => `${decision}${PAIR}${fault}`),
  );
  const all = faults.length * decisions.length;
  return [
    `decisions: ${decisions.map((decision, index) => `${index + 1} ${decision}`).join(', ')}`,
    `${''.padEnd(width)}${decisions.map((_, index) => String(index + 1).padStart(6)).join('')}`,
    ...faults.map(
      (fault) =>
        `${fault.padEnd(width)}${decisions.map((decision) => short(count(fault, decision)).padStart(6)).join('')}`,
    ),
    `${all - missing.length} of ${all} pairs of a decision and a fault occurred${missing.length > 0 && missing.length <= 40 ? `; never: ${missing.join(', ')}` : ''}`,
  ];
}

function short(count: number): string {
  if (count < 10_000) return String(count);
  return count < 10_000_000 ? `${Math.round(count / 1_000)}k` : `${Math.round(count / 1_000_000)}M`;
}
