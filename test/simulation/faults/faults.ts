import type { ClusterRecord } from '../../../src/ha/record.ts';
import type { Random } from '../engine/random.ts';
import { GOOD_MOOD } from '../world/api.ts';
import type { Machine } from '../world/machine.ts';
import { commonPrefix } from '../world/wal.ts';
import type { World } from '../world/world.ts';

/** One fault: plain data, so that a schedule can be shown, cut down and run again. */
export interface Fault {
  /** Milliseconds after the beginning. */
  readonly at: number;
  readonly kind: FaultKind;
  readonly member: number;
  readonly other: number;
  readonly duration: number;
  readonly amount: number;
}

type Act = (world: World, fault: Fault, machine: Machine, other: Machine) => void;

const later = (world: World, fault: Fault, run: () => void): void =>
  void world.scheduler.after(fault.duration, null, run);

/** Somebody edits the record by hand (or through the control calls, which swap it in the same way). */
function edit(world: World, change: (record: ClusterRecord) => ClusterRecord, by = 'person'): void {
  const { current } = world.api;
  if (current !== null) world.api.write(change(current.record), by);
}

function primaryOf(world: World): string | null {
  return world.api.current?.record.primary ?? null;
}

const ACTS = {
  'agent killed': (world, fault, machine) => {
    machine.endAgent(false);
    later(world, fault, () => machine.restartAgent());
  },
  'agent frozen': (world, fault, machine) => {
    const owner = machine.agent?.owner;
    if (owner === undefined) return;
    world.scheduler.freeze(owner);
    later(world, fault, () => machine.frozen || world.scheduler.thaw(owner));
  },
  'Postgres killed': (_world, _fault, machine) => machine.server?.vanish(false),
  'postmaster killed': (_world, fault, machine) => machine.server?.orphan(fault.duration),
  'Postgres frozen': (world, fault, machine) => {
    const { server } = machine;
    if (server === null) return;
    const processes = [
      server.workers,
      server.postmaster,
      ...[...server.sessions].map((session) => session.backend),
    ];
    for (const process of processes) world.scheduler.freeze(process);
    later(world, fault, () => {
      if (!machine.frozen) for (const process of processes) world.scheduler.thaw(process);
    });
  },
  'postmaster frozen': (world, fault, machine) => {
    const process = machine.server?.postmaster;
    if (process === undefined) return;
    world.scheduler.freeze(process);
    later(world, fault, () => machine.frozen || world.scheduler.thaw(process));
  },
  'backends frozen': (world, fault, machine) => {
    const backends = [...(machine.server?.sessions ?? [])].map((session) => session.backend);
    for (const backend of backends) world.scheduler.freeze(backend);
    later(world, fault, () => {
      if (!machine.frozen) for (const backend of backends) world.scheduler.thaw(backend);
    });
  },
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
  'member isolated': (world, fault, machine) => {
    const ends = [...world.machines.filter((other) => other !== machine).map((other) => other.name), 'api'];
    cut(
      world,
      fault,
      ends.flatMap(
        (end) =>
          [
            [machine.name, end],
            [end, machine.name],
          ] as const,
      ),
    );
  },
  'member isolated from members': (world, fault, machine) => {
    const ends = world.machines.filter((other) => other !== machine).map((other) => other.name);
    cut(
      world,
      fault,
      ends.flatMap(
        (end) =>
          [
            [machine.name, end],
            [end, machine.name],
          ] as const,
      ),
    );
  },
  'pair cut': (world, fault, machine, other) =>
    cut(world, fault, [
      [machine.name, other.name],
      [other.name, machine.name],
    ]),
  'one way cut': (world, fault, machine, other) => cut(world, fault, [[machine.name, other.name]]),
  'nothing goes out': (world, fault, machine) => {
    const ends = [...world.machines.filter((other) => other !== machine).map((other) => other.name), 'api'];
    cut(
      world,
      fault,
      ends.map((end) => [machine.name, end] as const),
    );
  },
  'nothing comes in': (world, fault, machine) => {
    const ends = [...world.machines.filter((other) => other !== machine).map((other) => other.name), 'api'];
    cut(
      world,
      fault,
      ends.map((end) => [end, machine.name] as const),
    );
  },
  'network lossy': (world, fault, machine, other) => {
    for (const link of [
      world.network.link(machine.name, other.name),
      world.network.link(other.name, machine.name),
    ]) {
      link.loss = 0.1 + 0.5 * fault.amount;
      link.slow = 400 * fault.amount;
      later(world, fault, () => {
        link.loss = 0;
        link.slow = 0;
      });
    }
  },
  'API cut off': (world, fault, machine) => mood(world, fault, [machine], { down: true }),
  'API down': (world, fault) => mood(world, fault, world.machines, { down: true }),
  'API slow': (world, fault) => mood(world, fault, world.machines, { slow: 3_000 * fault.amount }),
  'API refuses': (world, fault) => mood(world, fault, world.machines, { refuse: 0.3 + 0.6 * fault.amount }),
  'API replies lost': (world, fault) =>
    mood(world, fault, world.machines, { loseReply: 0.3 + 0.6 * fault.amount }),
  'watch stale': (world, fault, machine) =>
    mood(world, fault, [machine], { watchLag: 500 + 6_000 * fault.amount }),
  'record deleted': (world) => {
    if (world.machines.some((machine) => machine.volume.wal === null || machine.volume.broken)) return;
    world.checks.recordTamperedWith = true;
    world.api.remove();
  },
  'record restored': (world, fault) => {
    if (world.machines.some((machine) => machine.volume.wal === null || machine.volume.broken)) return;
    const { history, current } = world.api;
    const epoch = current?.record.epoch ?? 0;
    // Beyond the protocol: a state of the same epoch with another cohort, and holders of the newer epoch out of reach.
    const older = history.filter(({ record }) => record.epoch < epoch);
    const known = world.machines.every(({ volume }) => (volume.floor?.epoch ?? 0) >= epoch);
    const old = older[Math.floor(fault.amount * older.length)];
    if (old === undefined || !(known || world.inReach)) return;
    world.coverage.count('record set back to an older epoch');
    world.checks.recordTamperedWith = true;
    world.api.write(old.record, 'fault');
  },
  'volume lost': (world, fault, machine) => {
    // Of data that is nowhere else (or that others are just losing too) nothing can be asked.
    if (world.machines.some((other) => other.volume.wal === null || other.volume.broken)) return;
    if ((world.api.current?.record.settled.acks ?? 0) === 0) return;
    // Where the only other copy may not lead, a member that has left its history cannot catch up from it by streaming.
    if (world.machines.some(({ name }) => world.settingsOf(name).tags.nofailover)) return;
    // One that left the history may be about to be rewound by the copy that is lost.
    const wal = machine.server?.wal ?? machine.volume.wal ?? [];
    const diverged = world.machines.some((other) => {
      const its = other.server?.wal ?? other.volume.wal ?? [];
      return commonPrefix(its, wal) < Math.min(its.length, wal.length);
    });
    if (diverged) return;
    machine.crash();
    machine.volume.wipe();
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
  'member ended': (_world, _fault, machine) => machine.agent?.terminate(),
  switchover: (world, fault, machine) =>
    edit(world, (record) => ({
      ...record,
      switchover: {
        target: fault.amount < 0.5 ? machine.name : null,
        at: null,
        requestedAt: '2026-01-01T00:00:00Z',
      },
    })),
  'restart asked': (_world, _fault, machine) => machine.agent?.context.wishes.restart(),
  'member fenced': (world, fault, machine) => {
    edit(world, (record) => ({ ...record, fenced: [machine.name] }));
    later(world, fault, () => edit(world, (record) => ({ ...record, fenced: [] })));
  },
  paused: (world, fault) => {
    edit(world, (record) => ({ ...record, paused: true }));
    later(world, fault, () => edit(world, (record) => ({ ...record, paused: false })));
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

export type FaultKind = keyof typeof ACTS;

export const FAULT_KINDS = Object.keys(ACTS) as readonly FaultKind[];

function cut(world: World, fault: Fault, ways: readonly (readonly [string, string])[]): void {
  for (const [from, to] of ways) {
    const link = world.network.link(from, to);
    link.cut = true;
    later(world, fault, () => {
      link.cut = false;
    });
  }
}

function mood(
  world: World,
  fault: Fault,
  machines: readonly Machine[],
  change: Partial<ReturnType<World['api']['mood']>>,
): void {
  for (const machine of machines) {
    const now = world.api.mood(machine.name);
    Object.assign(now, change);
    later(world, fault, () => {
      for (const key of Object.keys(change) as (keyof typeof now)[])
        Object.assign(now, { [key]: GOOD_MOOD[key] });
    });
  }
}

/** Carries a fault out. Faults that speak of the primary find it here: `member` -1. */
export function commit(world: World, fault: Fault): void {
  const named = (index: number): Machine => {
    if (index >= 0) return world.machines[index % world.machines.length] as Machine;
    const primary = primaryOf(world);
    const at = world.machines.findIndex((machine) => primary?.startsWith(`${machine.name}-`));
    return world.machines[Math.max(0, at)] as Machine;
  };
  const machine = named(fault.member);
  let other = named(fault.other);
  if (other === machine)
    other = world.machines[(world.machines.indexOf(machine) + 1) % world.machines.length] as Machine;
  world.coverage.count(`fault: ${fault.kind}`);
  world.trace(
    'FAULT',
    `${fault.kind} ${machine.name} (${other.name}) for ${Math.round(fault.duration)} ms, ${fault.amount.toFixed(2)}`,
  );
  ACTS[fault.kind](world, fault, machine, other);
}

/** A person takes fences and a pause back; again where a repair of the record brings them back. */
export function lift(world: World): void {
  const record = world.api.current?.record;
  if (record === undefined || (record.fenced.length === 0 && !record.paused)) return;
  edit(world, (now) => ({ ...now, fenced: [], paused: false }));
}

/** Ends everything that disturbs. */
export function heal(world: World): void {
  world.trace('FAULT', 'all faults cease');
  world.network.heal();
  for (const mood of world.api.moods.values()) {
    Object.assign(mood, { down: false, slow: 0, refuse: 0, loseReply: 0, watchLag: 0 });
  }
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

/** After these a member may be out of the others' reach for a while. */
const OUT_OF_REACH = /cut|isolated|goes out|comes in|frozen|killed|off|lossy|lost|ended|fenced|restart|slow/;

/** Whether every member can be asked at any time. */
export function staysInReach(faults: readonly Fault[]): boolean {
  return !faults.some((fault) => OUT_OF_REACH.test(fault.kind));
}

const RARE = new Set<FaultKind>(['record deleted', 'record restored', 'volume lost', 'all killed', 'paused']);

/** The faults of a schedule, from its seed alone. */
export function plan(random: Random, members: number, begin: number, end: number): Fault[] {
  const faults: Fault[] = [];
  const count = random.whole(1, 9);
  let lostRecord = false;
  let lostVolume = false;
  // Half of the schedules have a theme: few kinds, one soon after the other.
  const isThemed = random.chance(0.5);
  const kinds = isThemed ? Array.from({ length: 4 }, () => random.pick(FAULT_KINDS)) : FAULT_KINDS;
  let before = random.between(begin, end);
  for (let index = 0; index < count; index++) {
    let kind = random.pick(kinds);
    if (RARE.has(kind) && random.chance(0.5)) kind = random.pick(kinds);
    const at =
      isThemed && random.chance(0.7) ? before + random.between(0, 1_500) : random.between(begin, end);
    before = Math.min(at, end);
    // A record lost together with a volume is beyond the protocol: a person must say what to do.
    if (kind === 'volume lost') {
      if (lostRecord || lostVolume || members < 2) continue;
      lostVolume = true;
    }
    if (kind === 'record deleted' || kind === 'record restored') {
      if (lostVolume) continue;
      lostRecord = true;
    }
    faults.push({
      at: Math.round(before),
      kind,
      member: random.chance(0.45) ? -1 : random.whole(0, members - 1),
      other: random.whole(0, members - 1),
      duration: Math.round(Math.exp(random.between(Math.log(30), Math.log(14_000)))),
      amount: random.next(),
    });
  }
  return faults.sort((a, b) => a.at - b.at);
}
