import type { Command } from 'commander';
import type { ClusterMember } from '../http/ports.ts';
import {
  addChangeOptions,
  type ChangeContext,
  type ChangeOptions,
  carryOut,
  type Outcome,
} from './change.ts';
import { chosenMembers, fenceTarget } from './fence-target.ts';
import { inShort } from './members.ts';

interface Options extends ChangeOptions {
  readonly all?: boolean;
}

/** `pgwarden fence`: keeps a member's Postgres down. */
export function registerFence(program: Command): void {
  const command = program
    .command('fence')
    .summary("keep a member's Postgres down")
    .description(
      'Stops the Postgres of a member, and keeps it down until unfence, while its agent stays up. A fenced ' +
        'primary hands over first. Waits until Postgres is stopped.',
    )
    .argument('[member]', 'the member to fence')
    .option('--all', 'fence every member: the whole cluster stops');
  addChangeOptions(command, 90, true)
    .addHelpText('after', '\nExample:\n  $ pgwarden fence pg-2')
    .action((member: string | undefined, options: Options) => {
      const target = fenceTarget(member, options.all);
      return carryOut(options, (context) => fence(context, target));
    });
}

const isDown = (member: ClusterMember): boolean =>
  member.fenced && (member.state === 'stopped' || member.state === 'empty' || member.state === 'unreachable');

async function fence(context: ChangeContext, target: string): Promise<Outcome> {
  const before = await context.client.clusterFirstHand(context.signal);
  const names = chosenMembers(before, target).map(({ name }) => name);
  context.announce(`fencing ${names.join(', ')} of ${before.cluster}: Postgres stops and stays down`);
  if (target === '*') await context.confirm('The whole cluster stops.');
  const call = { method: 'PUT', path: `/v1/fenced/${encodeURIComponent(target)}` } as const;
  await context.client.change(call, context.signal);
  await context.wait('fencing', async (signal) => {
    const left = chosenMembers(await context.client.clusterFirstHand(signal), target).filter(
      (member) => !isDown(member),
    );
    return left.length === 0 ? { done: true, seen: '' } : { seen: left.map(inShort).join('; ') };
  });
  return { message: `fenced: ${names.join(', ')}`, fenced: names };
}
