import type { Violation } from './checks/checks.ts';
import type { Fault } from './faults/fault.ts';
import { type Outcome, runSchedule } from './run-schedule.ts';
import type { Schedule } from './schedule.ts';

/** What was found, and the smallest schedule that still shows it. */
export interface Smallest {
  readonly schedule: Schedule;
  readonly violation: Violation;
}

type Shows = (schedule: Schedule) => Promise<boolean>;

/** How many runs may be spent on one violation. */
const RUNS = 200;

/**
 * A smaller schedule that violates the same rule: without the faults, clients and time that it does not need, with
 * shorter faults, and with the usual settings where those will do.
 */
export async function minimise(whole: Schedule, violation: Violation): Promise<Smallest> {
  let smallest: Smallest = { schedule: whole, violation };
  let runs = 0;
  const shows: Shows = async (schedule) => {
    runs += 1;
    if (runs > RUNS) return false;
    const outcome: Outcome = await runSchedule(schedule);
    if (outcome.violation?.rule !== violation.rule) return false;
    smallest = { schedule, violation: outcome.violation };
    return true;
  };
  await withFewerFaults(() => smallest.schedule, shows);
  if (smallest.schedule.clients > 1) await shows({ ...smallest.schedule, clients: 1 });
  if (violation.rule !== 'progress') {
    await shows({ ...smallest.schedule, until: Math.ceil(violation.at) });
  }
  await withLessTime(() => smallest.schedule, shows);
  await withShorterFaults(() => smallest.schedule, shows);
  await withFewerFaults(() => smallest.schedule, shows);
  return smallest;
}

async function withFewerFaults(now: () => Schedule, shows: Shows): Promise<void> {
  for (const fault of [...now().faults].reverse()) {
    await shows({ ...now(), faults: now().faults.filter((other) => other !== fault) });
  }
}

/** The end of the faults is drawn nearer, and the whole is moved towards the beginning. */
async function withLessTime(now: () => Schedule, shows: Shows): Promise<void> {
  for (const share of [0.5, 0.75, 0.9]) {
    const { until } = now();
    await shows({ ...now(), until: Math.ceil(until * share) });
  }
  const first = Math.min(...now().faults.map((fault) => fault.at));
  if (!Number.isFinite(first) || first <= 0) return;
  for (const earlier of [first, first / 2]) {
    const by = Math.floor(earlier);
    const moved = now().faults.map((fault): Fault => ({ ...fault, at: Math.max(0, fault.at - by) }));
    if (await shows({ ...now(), until: now().until - by, faults: moved })) return;
  }
}

async function withShorterFaults(now: () => Schedule, shows: Shows): Promise<void> {
  for (let index = 0; index < now().faults.length; index++) {
    for (const share of [0.25, 0.5]) {
      const faults = now().faults.map((fault, at) =>
        at === index ? { ...fault, duration: Math.ceil(fault.duration * share) } : fault,
      );
      if (await shows({ ...now(), faults })) break;
    }
  }
}
