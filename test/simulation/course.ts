import { unfinished } from './checks/progress.ts';
import { lift } from './faults/heal.ts';
import type { World } from './world/world.ts';

/** The longest that a cluster may take to be whole again once nothing disturbs it, in milliseconds. */
export const WHOLE_WITHIN = 60_000;
const LOOK_MS = 50;
/** How long members are watched where only a person can mend, in milliseconds. */
const GUESSES_WITHIN = 8_000;

/** Every member boots, and clients come. */
export function begin(world: World): void {
  const { scheduler, random } = world;
  for (const machine of world.machines) {
    scheduler.after(random.agent.between(0, 200), null, () => machine.boot());
  }
  for (const client of world.clients) client.start();
}

/** Waits until everything is as it should be; returns how long that took. */
export function becomeWhole(world: World): number {
  const { scheduler, checks } = world;
  const before = world.clients.reduce((sum, client) => sum + client.acknowledged, 0);
  const begun = scheduler.now;
  for (let what = 'it has just begun' as string | null; what !== null && checks.violation === null; ) {
    scheduler.run(scheduler.now + LOOK_MS);
    lift(world);
    // What the last faults left behind (a scheduled boot, a thaw) comes to its end meanwhile.
    what = world.beyondMending && scheduler.now - begun > GUESSES_WITHIN ? null : unfinished(world, before);
    if (scheduler.now - begun > WHOLE_WITHIN) checks.fail('progress', `after ${WHOLE_WITHIN} ms: ${what}`);
  }
  return scheduler.now - begun;
}
