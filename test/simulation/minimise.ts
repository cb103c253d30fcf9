import { type Outcome, runSchedule, type Schedule } from './run-schedule.ts';

/** The schedule without the faults that its violation does not need: one after the other is left out. */
export async function minimise(schedule: Schedule, rule: string): Promise<Schedule> {
  let smallest = schedule;
  for (let index = schedule.faults.length - 1; index >= 0; index--) {
    const left = schedule.faults[index];
    const faults = smallest.faults.filter((fault) => fault !== left);
    const outcome: Outcome = await runSchedule({ ...smallest, faults });
    if (outcome.violation?.rule === rule) smallest = { ...smallest, faults };
  }
  return smallest;
}

/** The places of a smaller schedule's faults in the whole one: what `--keep` takes. */
export function placesIn(smaller: Schedule, whole: Schedule): string {
  return smaller.faults.map((fault) => whole.faults.indexOf(fault)).join(',');
}
