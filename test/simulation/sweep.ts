import { minimise } from './minimise.ts';
import { progress } from './report.ts';
import { runSchedule } from './run-schedule.ts';
import { type Kind, scheduleOf } from './schedule.ts';
import { NOTHING, type Tally, tallyOf, together } from './tally.ts';

/** A range of seeds. */
export interface Range {
  readonly from: number;
  readonly seeds: number;
  readonly members: number;
  readonly kind: Kind;
  /** So many violations are enough. */
  readonly stop: number;
  /** So many minutes, too. */
  readonly minutes: number;
}

const PROGRESS_MS = 5_000;

/** Runs the schedules of a range, one after the other, in this process. */
export async function sweep(range: Range, tell: (line: string) => void): Promise<Tally> {
  const { from, seeds, members, kind, stop, minutes } = range;
  let tally = NOTHING;
  const coverage: Record<string, number> = {};
  const begun = performance.now();
  let toldAt = begun;
  const current = (): Tally => ({ ...tally, coverage, coreSeconds: (performance.now() - begun) / 1_000 });
  const isOver = (): boolean =>
    tally.violations.length >= stop || performance.now() - begun > minutes * 60_000;
  for (let seed = from; seed < from + seeds && !isOver(); seed++) {
    const schedule = scheduleOf(seed, members, kind);
    const outcome = await runSchedule(schedule);
    for (const [what, times] of outcome.coverage) coverage[what] = (coverage[what] ?? 0) + times;
    tally = together(tally, tallyOf({ ...outcome, coverage: [] }));
    if (outcome.violation !== null) {
      const found = await minimise(schedule, outcome.violation);
      const kinds = found.schedule.faults.map((fault) => fault.kind).join(', ');
      const { rule, what } = found.violation;
      const line = `seed ${seed}: ${rule}: ${what} [${kinds}] ${JSON.stringify(found.schedule)}`;
      tally = { ...tally, violations: [...tally.violations, line] };
    }
    if (performance.now() - toldAt > PROGRESS_MS) {
      toldAt = performance.now();
      tell(progress(current(), seeds));
    }
  }
  return current();
}
