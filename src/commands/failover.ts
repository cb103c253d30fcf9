import type { Command } from 'commander';
import { waitForPrimary } from './become-primary.ts';
import {
  addChangeOptions,
  type ChangeContext,
  type ChangeOptions,
  carryOut,
  type Outcome,
} from './change.ts';
import { memberNamed } from './members.ts';

interface Options extends ChangeOptions {
  readonly target: string;
  readonly acceptDataLoss?: boolean;
}

/** `pgwarden failover`: makes a member primary where nobody does it by itself. */
export function registerFailover(program: Command): void {
  const command = program
    .command('failover')
    .summary('make a standby the primary without the old one')
    .description(
      'Makes the named standby primary although the primary does not take part. The agents do this by ' +
        'themselves wherever it is proven safe; without the proof it is refused, unless --accept-data-loss ' +
        'says that what the standby lacks may be lost.',
    )
    .requiredOption('--target <member>', 'the standby to become primary')
    .option('--accept-data-loss', 'go on although commits may be lost that the target does not have');
  addChangeOptions(command, 90, true)
    .addHelpText('after', '\nExample:\n  $ pgwarden failover --target pg-2 --accept-data-loss')
    .action((options: Options) => carryOut(options, (context) => failover(context, options)));
}

async function failover(context: ChangeContext, options: Options): Promise<Outcome> {
  const { target, acceptDataLoss = false } = options;
  const before = await context.client.cluster(context.signal);
  memberNamed(before, target);
  context.announce(
    `failover of ${before.cluster}: ${target} becomes primary in place of ${before.primary ?? 'nobody'}`,
  );
  if (acceptDataLoss) {
    await context.confirm(`Commits that ${target} does not have are lost for good.`);
  }
  const call = { method: 'POST', path: '/v1/failover', body: { target, acceptDataLoss } } as const;
  await context.client.change(call, context.signal);
  const { primary, epoch } = await waitForPrimary(context, 'the failover', before, target);
  return { message: `${primary} is primary of epoch ${epoch}`, primary, epoch, from: before.primary };
}
