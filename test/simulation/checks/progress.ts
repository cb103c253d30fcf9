import { memberOf } from '../../../src/ha/member.ts';
import { parseNames } from '../world/sync-rep.ts';
import type { World } from '../world/world.ts';

/** Why the cluster is not yet as it should be once nothing disturbs it; null: it is. */
export function unfinished(world: World, acknowledgedBefore: number): string | null {
  const record = world.api.current?.record ?? null;
  if (record === null) return 'there is no record';
  if (record.primary === null || record.holder === '') return `nobody holds epoch ${record.epoch}`;
  if (record.settled.epoch !== record.epoch)
    return `epoch ${record.epoch} of ${record.primary} is not settled`;
  if (record.ending !== null) return `${record.primary} is ending`;
  const primary = world.machine(memberOf(record.primary));
  const leader = primary.server;
  if (leader === null || leader.state !== 'running' || leader.inRecovery)
    return `${record.primary} does not run as primary`;
  if (leader.identity !== record.primary) return `${record.primary} is another incarnation by now`;
  if (!leader.admits) return `the door of ${record.primary} is closed`;
  const given = parseNames(leader.namesInPostmaster);
  const strangers =
    given?.names.filter((name) => !(record.settled.cohort as readonly string[]).includes(name)).length ?? 0;
  if ((given?.acks ?? 0) - strangers < record.settled.acks)
    return `Postgres of ${leader.identity} gives less than what is published: ${leader.namesInPostmaster}`;
  for (const machine of world.machines) {
    if (machine.agent === null) return `${machine.name} has no agent`;
    if (machine === primary) continue;
    const { server } = machine;
    if (server === null || server.state !== 'running') return `${machine.name} does not run`;
    if (!server.inRecovery) return `${machine.name} runs as a second primary`;
    if (!server.receiver.streaming || server.upstream?.identity !== record.primary)
      return `${machine.name} does not stream from ${record.primary}`;
    if (leader.sharedWith(server) < server.flushed) return `${machine.name} has another history`;
    if (!server.admits) return `the door of ${machine.name} is closed`;
    if (!record.settled.cohort.includes(server.identity)) return `${server.identity} is not in the cohort`;
  }
  if (world.clients.reduce((sum, client) => sum + client.acknowledged, 0) <= acknowledgedBefore)
    return 'no client got an answer';
  return null;
}
