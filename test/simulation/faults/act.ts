import type { Machine } from '../world/machine.ts';
import type { World } from '../world/world.ts';
import type { Fault } from './fault.ts';

/** Carries a fault out, now. */
export type Act = (world: World, fault: Fault, machine: Machine, other: Machine) => void;

/** When the fault's duration is over. */
export function later(world: World, fault: Fault, run: () => void): void {
  world.scheduler.after(fault.duration, null, run);
}
