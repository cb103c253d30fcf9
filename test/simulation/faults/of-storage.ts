import type { Machine } from '../world/machine.ts';
import { commonPrefix, type Wal } from '../world/wal.ts';
import type { World } from '../world/world.ts';
import { type Act, later } from './act.ts';

const walOf = (machine: Machine): Wal => machine.server?.wal ?? machine.volume.wal ?? [];

/** Whether what is on this volume would be missed by nobody for good. */
function maySpare(world: World, machine: Machine): boolean {
  // Of data that is nowhere else (or that others are just losing too) nothing can be asked.
  if (world.machines.some((other) => other.volume.wal === null || other.volume.broken)) return false;
  if ((world.api.current?.record.settled.acks ?? 0) === 0) return false;
  // One that left the history may be about to be rewound by the copy that is lost.
  const wal = walOf(machine);
  return world.machines.every((other) => {
    const its = walOf(other);
    return commonPrefix(its, wal) >= Math.min(its.length, wal.length);
  });
}

/** What disks do, and what is read late from them. */
export const OF_STORAGE = {
  'volume lost': (world, fault, machine) => {
    if (!maySpare(world, machine)) return;
    machine.crash();
    world.checks.onIncarnationEnds(machine.volume);
    machine.volume.wipe();
    later(world, fault, () => machine.boot());
  },
  'volume and record lost': (world, fault, machine) => {
    const others = world.machines.filter((other) => other !== machine);
    if (!others.some(({ volume }) => volume.wal !== null && !volume.broken)) return;
    // Nothing but a person can mend that; nobody may make it worse by a guess.
    world.beyondMending = true;
    world.checks.recordTamperedWith = true;
    machine.crash();
    world.checks.onIncarnationEnds(machine.volume);
    machine.volume.wipe();
    world.api.remove();
    later(world, fault, () => machine.boot());
  },
  'settings read late': (world, fault, machine) => {
    machine.lateReload = 3_000 * fault.amount;
    later(world, fault, () => {
      machine.lateReload = 0;
    });
  },
  'disk slow': (world, fault, machine) => {
    machine.syncDelay = 2_000 * fault.amount;
    later(world, fault, () => {
      machine.syncDelay = 0;
    });
  },
  'replay held': (world, fault, machine) => {
    const { server } = machine;
    if (server === null) return;
    server.replayHeld = true;
    later(world, fault, () => {
      server.replayHeld = false;
      server.replayMore();
    });
  },
} satisfies Record<string, Act>;
