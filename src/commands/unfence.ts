import type { Command } from 'commander';
import {
  addChangeOptions,
  type ChangeContext,
  type ChangeOptions,
  carryOut,
  type Outcome,
} from './change.ts';
import { chosenMembers, fenceTarget } from './fence-target.ts';
import { doesItsPart, inShort } from './members.ts';

interface Options extends ChangeOptions {
  readonly all?: boolean;
}

/** `pgwarden unfence`: lets a fenced member start again. */
export function registerUnfence(program: Command): void {
  const command = program
    .command('unfence')
    .summary('let a fenced member start again')
    .description('Lifts the fence of a member, and waits until it is primary or streams again.')
    .argument('[member]', 'the member to unfence')
    .option('--all', 'lift every fence, also the one of the whole cluster');
  addChangeOptions(command, 120)
    .addHelpText('after', '\nExample:\n  $ pgwarden unfence pg-2')
    .action((member: string | undefined, options: Options) => {
      const target = fenceTarget(member, options.all);
      return carryOut(options, (context) => unfence(context, target));
    });
}

async function unfence(context: ChangeContext, target: string): Promise<Outcome> {
  const before = await context.client.clusterFirstHand(context.signal);
  const chosenNow = chosenMembers(before, target);
  const names = chosenNow.map(({ name }) => name);
  if (!chosenNow.some((member) => member.fenced)) {
    return { message: `not fenced: ${names.join(', ')}`, unfenced: [] };
  }
  context.announce(`lifting the fence of ${names.join(', ')} of ${before.cluster}`);
  const call = { method: 'DELETE', path: `/v1/fenced/${encodeURIComponent(target)}` } as const;
  await context.client.change(call, context.signal);
  await context.wait('coming back', async (signal) => {
    const chosen = chosenMembers(await context.client.clusterFirstHand(signal), target);
    const left = chosen.filter((member) => member.fenced || !doesItsPart(member));
    return left.length === 0 ? { done: true, seen: '' } : { seen: left.map(inShort).join('; ') };
  });
  return { message: `unfenced: ${names.join(', ')}`, unfenced: names };
}
