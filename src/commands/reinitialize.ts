import type { Command } from 'commander';
import {
  addChangeOptions,
  type ChangeContext,
  type ChangeOptions,
  carryOut,
  type Outcome,
} from './change.ts';
import { UsageError } from './errors.ts';
import { inShort, memberNamed } from './members.ts';

/** `pgwarden reinitialize`: throws a standby's data away and clones it again. */
export function registerReinitialize(program: Command): void {
  const command = program
    .command('reinitialize')
    .summary('clone a standby again')
    .description(
      'Removes the data directory of a standby and clones it anew from the cluster. Waits until it streams ' +
        'under its new identity.',
    )
    .argument('<member>', 'the standby');
  addChangeOptions(command, 3600, true)
    .addHelpText('after', '\nExample:\n  $ pgwarden reinitialize pg-2')
    .action((member: string, options: ChangeOptions) =>
      carryOut(options, (context) => reinitialize(context, member)),
    );
}

async function reinitialize(context: ChangeContext, name: string): Promise<Outcome> {
  const cluster = await context.client.clusterFirstHand(context.signal);
  const before = memberNamed(cluster, name);
  if (cluster.primary === name) {
    throw new UsageError(`${name} is the primary`, 'hand over first: pgwarden switchover');
  }
  context.announce(`reinitializing ${name} of ${cluster.cluster}: its data directory is cloned again`);
  await context.confirm(`The data directory of ${name} is removed.`);
  const path = `/v1/members/${encodeURIComponent(name)}/reinitialize`;
  await context.client.change({ method: 'POST', path }, context.signal);
  const identity = await context.wait(`the clone of ${name}`, async (signal) => {
    const now = memberNamed(await context.client.clusterFirstHand(signal), name);
    const anew = now.identity !== null && now.identity !== before.identity && now.streaming;
    return anew ? { done: now.identity, seen: '' } : { seen: inShort(now) };
  });
  return { message: `${name} streams again, as ${identity}`, member: name, identity };
}
