import type { Violation } from './checks/checks.ts';
import { unfinished } from './checks/progress.ts';
import { Random } from './engine/random.ts';
import { commit, type Fault, heal, lift, plan, staysInReach } from './faults/faults.ts';
import { World } from './world/world.ts';

export interface Schedule {
  readonly seed: number;
  readonly members: number;
  readonly asynchronous: boolean;
  readonly faults: readonly Fault[];
  /** When the faults cease, in virtual milliseconds. */
  readonly until: number;
}

export interface Outcome {
  readonly violation: Violation | null;
  readonly digest: number;
  readonly steps: number;
  readonly rounds: number;
  readonly virtual: number;
  readonly acknowledged: number;
  readonly coverage: readonly (readonly [string, number])[];
  readonly lines: readonly string[];
  /** How long the cluster took to be whole again after the last fault, in virtual milliseconds. */
  readonly recovered: number;
}

/** The longest that a cluster may take to be whole again once nothing disturbs it, in milliseconds. */
export const WHOLE_WITHIN = 60_000;
const LOOK_MS = 100;

/** A schedule from nothing but its seed. */
export function scheduleOf(seed: number, members: number): Schedule {
  const random = new Random(seed, 'plan');
  const begin = random.chance(0.1) ? 0 : 4_000;
  const until = begin + random.between(3_000, 14_000);
  const asynchronous = new Random(seed, 'mode').chance(0.12);
  const faults = plan(random, members, begin, until).filter(
    // A machine that stood still may acknowledge a last commit before its guard looks: asynchronous fencing assumes none.
    (fault) => !asynchronous || (fault.kind !== 'machine frozen' && fault.kind !== 'record restored'),
  );
  return { seed, members, asynchronous, until, faults };
}

export async function runSchedule(schedule: Schedule, tracing = false): Promise<Outcome> {
  const world = new World({
    seed: schedule.seed,
    members: schedule.members,
    tracing,
    inReach: staysInReach(schedule.faults),
    asynchronous: schedule.asynchronous,
  });
  const { scheduler, checks } = world;
  for (const machine of world.machines) {
    scheduler.after(world.random.agent.between(0, 300), null, () => machine.boot());
  }
  for (const client of world.clients) client.start();
  for (const fault of schedule.faults) scheduler.after(fault.at, null, () => commit(world, fault));
  await scheduler.run(schedule.until);
  let recovered = 0;
  if (checks.violation === null) {
    heal(world);
    const before = world.clients.reduce((sum, client) => sum + client.acknowledged, 0);
    const begun = scheduler.now;
    for (let what = 'it has just begun' as string | null; what !== null && checks.violation === null; ) {
      await scheduler.run(scheduler.now + LOOK_MS);
      lift(world);
      // What the last faults left behind (a scheduled boot, a thaw) comes to its end meanwhile.
      what = unfinished(world, before);
      recovered = scheduler.now - begun;
      if (recovered > WHOLE_WITHIN) {
        checks.fail('progress', `after ${WHOLE_WITHIN} ms: ${what}`);
      }
    }
  }
  return {
    violation: checks.violation,
    digest: world.digest,
    steps: scheduler.steps,
    rounds: world.rounds,
    virtual: scheduler.now,
    acknowledged: checks.acknowledged.length,
    coverage: [...world.coverage.counts],
    lines: world.lines,
    recovered,
  };
}
