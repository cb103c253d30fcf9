import type { Violation } from './checks/checks.ts';
import { becomeWhole, begin } from './course.ts';
import { type Schedule, USUAL } from './schedule.ts';
import { Remains } from './world/remains.ts';
import { World } from './world/world.ts';

/** The run that a schedule starts from needed no fault to break a rule: so does every schedule that starts from it. */
export class FaultlessViolation extends Error {
  readonly violation: Violation;

  constructor(violation: Violation) {
    super(`a run without faults: ${violation.rule}: ${violation.what}`);
    this.violation = violation;
  }
}

const kept = new Map<string, Remains>();

/** Seeds that no schedule has. */
const SEEDS = 4_000_000_000;

/**
 * What a cluster of the same kind left on its volumes and in the API when its power was cut: made once a process, by a
 * run without faults. A schedule that starts from it needs no initdb and no clone, and so a second less.
 */
export function leftBehind(schedule: Schedule, start: number): Remains {
  const { members, setup } = schedule;
  const { asynchronous, acks } = setup;
  const key = `${members} ${asynchronous} ${acks} ${start}`;
  let remains = kept.get(key);
  if (remains === undefined) {
    remains = make({
      seed: SEEDS + start,
      members,
      setup: { ...USUAL, asynchronous, acks },
      start: null,
      clients: 1,
      until: 0,
      faults: [],
    });
    kept.set(key, remains);
  }
  return remains;
}

function make(schedule: Schedule): Remains {
  const world = new World(schedule, false);
  begin(world);
  becomeWhole(world);
  // Half of them are on their second timeline.
  if (schedule.seed % 2 === 1 && schedule.members > 1) {
    world.machine(`pg-0`).agent?.terminate();
    world.scheduler.run(world.scheduler.now + 1_000);
    becomeWhole(world);
  }
  const { violation } = world.checks;
  if (violation !== null) throw new FaultlessViolation(violation);
  for (const machine of world.machines) machine.crash();
  return new Remains(world);
}
