import type { Process } from '../engine/scheduler.ts';
import type { Machine } from '../world/machine.ts';
import type { World } from '../world/world.ts';
import { type Act, later } from './act.ts';
import type { Fault } from './fault.ts';

function freeze(world: World, fault: Fault, machine: Machine, processes: readonly Process[]): void {
  for (const process of processes) world.scheduler.freeze(process);
  later(world, fault, () => {
    if (!machine.frozen) for (const process of processes) world.scheduler.thaw(process);
  });
}

function backendsOf(machine: Machine): Process[] {
  return [...(machine.server?.sessions ?? [])].map((session) => session.backend);
}

/** SIGKILL, SIGSTOP and the end of power, of each kind of process. */
export const OF_PROCESSES = {
  'agent killed': (world, fault, machine) => {
    machine.endAgent(false);
    later(world, fault, () => machine.restartAgent());
  },
  'agent frozen': (world, fault, machine) => {
    if (machine.agent !== null) freeze(world, fault, machine, [machine.agent.owner]);
  },
  'Postgres killed': (_world, _fault, machine) => machine.server?.vanish(false),
  'postmaster killed': (_world, fault, machine) => machine.server?.orphan(fault.duration),
  'receiver killed': (_world, _fault, machine) => machine.server?.receiver.die(),
  'walsenders killed': (_world, _fault, machine) => {
    for (const walsender of [...(machine.server?.walsenders ?? [])]) walsender.close();
  },
  'Postgres frozen': (world, fault, machine) => {
    const { server } = machine;
    if (server !== null)
      freeze(world, fault, machine, [server.workers, server.postmaster, ...backendsOf(machine)]);
  },
  'postmaster frozen': (world, fault, machine) => {
    if (machine.server !== null) freeze(world, fault, machine, [machine.server.postmaster]);
  },
  'backends frozen': (world, fault, machine) => freeze(world, fault, machine, backendsOf(machine)),
  'machine frozen': (world, fault, machine) => {
    machine.freeze();
    later(world, fault, () => machine.thaw());
  },
  'pod killed': (world, fault, machine) => {
    machine.crash();
    later(world, fault, () => machine.boot());
  },
  'node off': (world, fault, machine) => {
    machine.poweredOff = true;
    machine.crash();
    later(world, fault, () => {
      machine.poweredOff = false;
      machine.boot();
    });
  },
  'all killed': (world, fault) => {
    for (const machine of world.machines) {
      machine.crash();
      world.scheduler.after(fault.duration * world.random.faults.next(), null, () => machine.boot());
    }
  },
} satisfies Record<string, Act>;
