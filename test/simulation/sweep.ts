import { minimise } from './minimise.ts';
import { runSchedule } from './run-schedule.ts';
import { type Kind, scheduleOf } from './schedule.ts';
import { type Sizes, sizeOf } from './sizes.ts';
import { NOTHING, type Tally, tallyOf, together } from './tally.ts';

/** A range of seeds. */
export interface Range {
  readonly from: number;
  readonly seeds: number;
  readonly sizes: Sizes;
  readonly kind: Kind;
  /** A part of the name of the script that every schedule follows; null: as chance has it. */
  readonly script: string | null;
  /** So many violations are enough. */
  readonly stop: number;
}

/** Runs the schedules of a range, one after the other, in this process. */
export async function sweep(range: Range, isStopped: () => boolean = () => false): Promise<Tally> {
  const { from, seeds, sizes, kind, script, stop } = range;
  let tally = NOTHING;
  const coverage: Record<string, number> = {};
  const begun = process.cpuUsage();
  for (let seed = from; seed < from + seeds && tally.violations.length < stop && !isStopped(); seed++) {
    const schedule = scheduleOf(seed, sizeOf(seed, sizes), kind, script);
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
  }
  const { user, system } = process.cpuUsage(begun);
  return { ...tally, coverage, coreSeconds: (user + system) / 1e6 };
}
