import type { Command } from 'commander';
import type { ClusterMember, ClusterStatus } from '../http/ports.ts';
import {
  addChangeOptions,
  type ChangeContext,
  type ChangeOptions,
  carryOut,
  type Outcome,
} from './change.ts';
import { DidNotHappenError } from './errors.ts';
import { doesItsPart, inShort, memberNamed } from './members.ts';

interface Options extends ChangeOptions {
  readonly pending?: boolean;
}

/** `pgwarden restart`: restarts Postgres, member by member. */
export function registerRestart(program: Command): void {
  const command = program
    .command('restart')
    .summary('restart Postgres')
    .description(
      'Restarts the Postgres of one member, or of all: the standbys first, one at a time, the primary last. ' +
        'Waits until each serves or streams again.',
    )
    .argument('[member]', 'the member; without: every one')
    .option('--pending', 'only members where a setting waits for a restart');
  addChangeOptions(command, 120)
    .addHelpText('after', '\nExample:\n  $ pgwarden restart --pending')
    .action((member: string | undefined, options: Options) =>
      carryOut(options, (context) => restart(context, member, options)),
    );
}

/** Standbys first: each is back before the next one leaves, and the primary goes last. */
export function restartOrder(cluster: ClusterStatus, member: string | undefined): readonly ClusterMember[] {
  if (member !== undefined) return [memberNamed(cluster, member)];
  return cluster.members.toSorted((a, b) => Number(a.role === 'primary') - Number(b.role === 'primary'));
}

async function restart(context: ChangeContext, name: string | undefined, options: Options): Promise<Outcome> {
  const onlyPending = options.pending === true;
  const cluster = await context.client.clusterFirstHand(context.signal);
  const chosen = restartOrder(cluster, name).filter((member) => !onlyPending || member.pendingRestart);
  if (chosen.length === 0) return { message: 'no setting waits for a restart', restarted: [] };
  const names = chosen.map((member) => member.name);
  context.announce(`restarting Postgres of ${names.join(', then ')}`);
  for (const member of chosen) await restartOne(context, member, onlyPending, options.timeout);
  return { message: `restarted: ${names.join(', ')}`, restarted: names };
}

async function restartOne(
  context: ChangeContext,
  member: ClusterMember,
  onlyPending: boolean,
  timeout: number,
): Promise<void> {
  const before = await context.client.statusOf(member, context.signal);
  if (before === null) {
    throw new DidNotHappenError(
      `the restart of ${member.name}`,
      timeout,
      `its agent at ${member.http} does not answer`,
    );
  }
  const path = `/v1/members/${encodeURIComponent(member.name)}/restart`;
  await context.client.change({ method: 'POST', path, body: { onlyPending } }, context.signal);
  await context.wait(`the restart of ${member.name}`, async (signal) => {
    // In this order: what the cluster says must be no older than the start that it is taken for.
    const status = await context.client.statusOf(member, signal);
    const current = memberNamed(await context.client.clusterFirstHand(signal), member.name);
    const startedAgain =
      status !== null &&
      status.postmasterStartedAt !== null &&
      status.postmasterStartedAt !== before.postmasterStartedAt;
    const serves = status?.role === 'primary' ? status.open : doesItsPart(current);
    return startedAgain && serves ? { done: true, seen: '' } : { seen: inShort(current) };
  });
  context.announce(`${member.name} is back`);
}
