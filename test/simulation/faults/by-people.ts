import type { ClusterRecord } from '../../../src/ha/record.ts';
import { abandonRecovery, beginRecovery, confirmRecovery } from '../../../src/ha/recovery.ts';
import { parseNames } from '../world/sync-rep.ts';
import type { World } from '../world/world.ts';
import { type Act, later } from './act.ts';

/** Somebody edits the record by hand (or through the control calls, which swap it in the same way). */
export function edit(world: World, change: (record: ClusterRecord) => ClusterRecord): void {
  const { current } = world.api;
  if (current !== null) world.api.write(change(current.record), 'person');
}

/** What people ask for, and what clocks show them. */
export const BY_PEOPLE = {
  'member ended': (_world, _fault, machine) => machine.agent?.terminate(),
  'commits cancelled': (_world, _fault, machine) => machine.server?.cancelWaits(),
  'names edited': (world, fault, machine) => {
    const { server } = machine;
    if (server === null || server.inRecovery || server.state !== 'running') return;
    // Who edits what the protocol owns is promised nothing but that it is put back.
    world.checks.namesTamperedWith = true;
    const [somebody] = parseNames(server.namesInFile)?.names ?? [];
    const isWeak = fault.amount < 0.5 && somebody !== undefined;
    server.reloadNames(isWeak ? `ANY 1 ("${somebody}","${machine.name}-0")` : '');
  },
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
  'acks changed': (world, fault) => {
    const most = world.machines.length - 1;
    if (most > 0 && !world.isAsynchronous) world.askForAcks(1 + Math.floor(fault.amount * most));
  },
  paused: (world, fault) => {
    edit(world, (record) => ({ ...record, paused: true }));
    later(world, fault, () => edit(world, (record) => ({ ...record, paused: false })));
  },
  'recovery asked': (world, fault, machine) => {
    const record = world.api.current?.record ?? null;
    const { server } = machine;
    // What the control call requires, too.
    if (record === null || record.recovery !== undefined || record.fenced.length > 0) return;
    if (server === null || server.inRecovery || server.identity !== record.primary) return;
    if (record.settled.epoch !== record.epoch) return;
    if (world.machines.some(({ volume }) => volume.kept !== null && volume.kept.phase !== 'back')) return;
    const confirmed = world.checks.confirmedOn(server, record);
    if (confirmed < 2) return;
    const id = `r${world.archives.size + 1}`;
    world.archives.set(id, server.wal.slice(0, Math.max(1, Math.ceil(confirmed * fault.amount))));
    edit(world, (current) =>
      beginRecovery(current, {
        pauses: false,
        id,
        goal: { kind: 'immediate', value: '', exclusive: false },
        timeline: current.timeline,
        backup: 'base',
        by: machine.name,
        at: '2026-01-01T00:00:00Z',
      }),
    );
  },
  'recovery confirmed': (world) =>
    edit(world, (record) =>
      record.recovery?.state === 'serving' && record.settled.epoch === record.epoch
        ? confirmRecovery(record, record.recovery)
        : record,
    ),
  'recovery abandoned': (world, _fault, machine) =>
    edit(world, (record) =>
      record.recovery === undefined || record.recovery.state === 'abandoning'
        ? record
        : abandonRecovery(record, record.recovery, machine.name),
    ),
  'wall clock set': (world, fault) => {
    world.wallClockOffset = (fault.amount - 0.5) * 7_200_000;
  },
} satisfies Record<string, Act>;
