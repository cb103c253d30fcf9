import { GOOD_MOOD } from '../world/api.ts';
import type { World } from '../world/world.ts';
import { edit } from './by-people.ts';

/** A person takes fences and a pause back; again where a repair of the record brings them back. */
export function lift(world: World): void {
  const record = world.api.current?.record;
  if (record === undefined || (record.fenced.length === 0 && !record.paused)) return;
  edit(world, (now) => ({ ...now, fenced: [], paused: false }));
}

/** Ends everything that disturbs. */
export function heal(world: World): void {
  world.trace('FAULT', 'all faults cease');
  world.quiet = true;
  world.network.heal();
  for (const mood of world.api.moods.values()) Object.assign(mood, GOOD_MOOD);
  lift(world);
  for (const machine of world.machines) {
    machine.poweredOff = false;
    machine.lateReload = 0;
    machine.syncDelay = 0;
    machine.thaw();
    for (const process of machine.processes()) world.scheduler.thaw(process);
    if (machine.server !== null) {
      machine.server.replayHeld = false;
      machine.server.replayMore();
      if (!machine.server.postmaster.alive) machine.server.vanish(false);
    }
    if (!machine.up) machine.boot();
    else if (machine.agent === null) machine.restartAgent();
  }
}
