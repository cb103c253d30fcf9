import type { Violation } from './checks/checks.ts';
import { becomeWhole, begin } from './course.ts';
import { commit } from './faults/commit.ts';
import { heal } from './faults/heal.ts';
import { FaultlessViolation, leftBehind } from './left-behind.ts';
import type { Schedule } from './schedule.ts';
import { World } from './world/world.ts';

export interface Outcome {
  readonly violation: Violation | null;
  readonly digest: number;
  /** What the engine ran; what of it was an event of the protocol. */
  readonly steps: number;
  readonly events: number;
  readonly rounds: number;
  readonly virtual: number;
  readonly acknowledged: number;
  readonly coverage: readonly (readonly [string, number])[];
  readonly lines: readonly string[];
  /** How long the cluster took to be whole again after the last fault, in virtual milliseconds. */
  readonly recovered: number;
}

const NOTHING_RAN: Outcome = {
  violation: null,
  digest: 0,
  steps: 0,
  events: 0,
  rounds: 0,
  virtual: 0,
  acknowledged: 0,
  coverage: [],
  lines: [],
  recovered: 0,
};

/** Outside of any promise reaction, as the scheduler wants it. */
export function runSchedule(schedule: Schedule, tracing = false): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    setImmediate(() => {
      // A stack for every time-out costs more than the time-out.
      Error.stackTraceLimit = tracing ? 20 : 0;
      try {
        resolve(perform(schedule, tracing));
      } catch (error) {
        if (error instanceof FaultlessViolation) resolve({ ...NOTHING_RAN, violation: error.violation });
        else reject(error as Error);
      } finally {
        Error.stackTraceLimit = 20;
      }
    });
  });
}

function perform(schedule: Schedule, tracing: boolean): Outcome {
  const remains = schedule.start === null ? null : leftBehind(schedule, schedule.start);
  const world = new World(schedule, tracing);
  if (remains !== null) remains.put(world);
  const { scheduler, checks } = world;
  let recovered = 0;
  try {
    begin(world);
    for (const fault of schedule.faults) commit(world, fault);
    scheduler.run(schedule.until);
    if (checks.violation === null) {
      heal(world);
      recovered = becomeWhole(world);
    }
  } catch (error) {
    // One schedule of a million that meets what nobody thought of is told with its seed, like any other.
    checks.fail('every step can be judged', String((error as Error).stack));
  }
  return {
    violation: checks.violation,
    digest: world.digest,
    steps: scheduler.steps,
    events: world.events,
    rounds: world.rounds,
    virtual: scheduler.now,
    acknowledged: checks.acknowledgements,
    coverage: world.coverage.entries(),
    lines: world.lines,
    recovered,
  };
}
