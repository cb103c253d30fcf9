import { memberOf } from '../../../src/ha/member.ts';
import type { Machine } from '../world/machine.ts';
import type { World } from '../world/world.ts';
import { ACTS } from './acts.ts';
import type { Fault } from './fault.ts';

/** Lets a fault come when it is due. */
export function commit(world: World, fault: Fault): void {
  const { on } = fault;
  world.scheduler.after(fault.at, null, () => {
    if (on === undefined) carryOut(world, fault, null);
    else {
      world.onNext(on.decision, (decider) =>
        world.scheduler.after(on.delay, null, () => carryOut(world, fault, decider)),
      );
    }
  });
}

function carryOut(world: World, fault: Fault, decider: Machine | null): void {
  if (world.quiet) return;
  const named = (index: number): Machine => {
    if (index >= 0) return world.machines[index % world.machines.length] as Machine;
    if (index === -2 && decider !== null) return decider;
    const primary = world.api.current?.record.primary ?? null;
    return primary === null ? (world.machines[0] as Machine) : world.machine(memberOf(primary));
  };
  const machine = named(fault.member);
  let other = named(fault.other);
  if (other === machine) {
    other = world.machines[(world.machines.indexOf(machine) + 1) % world.machines.length] as Machine;
  }
  world.onFault(fault);
  if (world.tracing) {
    const { kind, duration, amount } = fault;
    world.trace(
      'FAULT',
      `${kind} ${machine.name} (${other.name}) for ${Math.round(duration)} ms, ${amount.toFixed(2)}`,
    );
  }
  ACTS[fault.kind](world, fault, machine, other);
}
