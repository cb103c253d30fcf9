import type { World } from './world.ts';

let world: World | null = null;

/** The world of the schedule that runs: stand-ins for modules of the product find it here. */
export function currentWorld(): World {
  if (world === null) throw new Error('no schedule runs');
  return world;
}

export function setCurrentWorld(next: World): void {
  world = next;
}
