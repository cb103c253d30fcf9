import { type ApiMood, GOOD_MOOD } from '../world/api.ts';
import type { Machine } from '../world/machine.ts';
import type { World } from '../world/world.ts';
import { type Act, later } from './act.ts';
import type { Fault } from './fault.ts';

function mood(world: World, fault: Fault, machines: readonly Machine[], change: Partial<ApiMood>): void {
  for (const machine of machines) {
    const now = world.api.mood(machine.name);
    Object.assign(now, change);
    later(world, fault, () => {
      for (const key of Object.keys(change) as (keyof ApiMood)[])
        Object.assign(now, { [key]: GOOD_MOOD[key] });
    });
  }
}

/** A record lost while a volume is lost or half-made is beyond the protocol: a person must say what to do. */
function isWhole(world: World): boolean {
  return world.machines.every((machine) => machine.volume.wal !== null && !machine.volume.broken);
}

/** What the Kubernetes API does to its clients, and to the record. */
export const OF_API = {
  'API cut off': (world, fault, machine) => mood(world, fault, [machine], { down: true }),
  'API down': (world, fault) => mood(world, fault, world.machines, { down: true }),
  'API slow': (world, fault) => mood(world, fault, world.machines, { slow: 3_000 * fault.amount }),
  'API refuses': (world, fault) => mood(world, fault, world.machines, { refuse: 0.3 + 0.6 * fault.amount }),
  'API replies lost': (world, fault) =>
    mood(world, fault, world.machines, { loseReply: 0.3 + 0.6 * fault.amount }),
  'API replies lost to one': (world, fault, machine) =>
    mood(world, fault, [machine], { loseReply: 0.5 + 0.5 * fault.amount }),
  'watch stale': (world, fault, machine) =>
    mood(world, fault, [machine], { watchLag: 500 + 6_000 * fault.amount }),
  'record touched': (world) => {
    // Somebody annotates the Lease: every swap in flight meets a conflict.
    const { current } = world.api;
    if (current !== null) world.api.write({ ...current.record }, 'person');
  },
  'record deleted': (world) => {
    if (!isWhole(world)) return;
    world.checks.recordTamperedWith = true;
    world.api.remove();
  },
  'record restored': (world, fault) => {
    if (!isWhole(world)) return;
    const { history, current } = world.api;
    if (current === null) return;
    const { epoch, revision } = current.record;
    const isOlder = (
      other: { readonly epoch: number; readonly revision: number } | null | undefined,
    ): boolean =>
      other == null || other.epoch < epoch || (other.epoch === epoch && other.revision < revision);
    const older = history.filter(({ record }) => isOlder(record));
    // Beyond the protocol: all that know of the newer one are out of reach.
    const known = world.machines.every(({ volume }) => !isOlder(volume.floor));
    const old = older[Math.floor(fault.amount * older.length)];
    if (old === undefined || !(known || world.inReach)) return;
    world.coverage.count(`record set back to an older ${old.record.epoch < epoch ? 'epoch' : 'revision'}`);
    world.checks.recordTamperedWith = true;
    world.api.write(old.record, 'fault');
  },
} satisfies Record<string, Act>;
