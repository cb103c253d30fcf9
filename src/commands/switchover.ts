import type { Command } from 'commander';
import { waitForPrimary } from './become-primary.ts';
import {
  addChangeOptions,
  type ChangeContext,
  type ChangeOptions,
  carryOut,
  type Outcome,
} from './change.ts';
import { UsageError } from './errors.ts';
import { memberNamed } from './members.ts';

interface Options extends ChangeOptions {
  readonly target?: string;
  readonly at?: string;
  readonly cancel?: boolean;
}

/** `pgwarden switchover`: a planned change of primary, without loss. */
export function registerSwitchover(program: Command): void {
  const command = program
    .command('switchover')
    .summary('make a standby the primary, in order')
    .description(
      'Hands the role of primary to a standby: a checkpoint, a clean stop, and the standby takes over with ' +
        'everything. Waits until the new primary is settled and lets clients in.',
    )
    .option('--target <member>', 'the standby to become primary; without: the best one')
    .option('--at <time>', 'when: RFC 3339, such as 2030-01-31T03:00:00Z; exits once it is recorded')
    .option('--cancel', 'withdraw a switchover that has not begun');
  addChangeOptions(command, 60)
    .addHelpText('after', '\nExample:\n  $ pgwarden switchover --target pg-1')
    .action((options: Options) => {
      const wish = wishOf(options);
      return carryOut(options, (context) =>
        wish === 'cancel' ? cancel(context) : switchover(context, wish),
      );
    });
}

interface Wish {
  readonly target: string | null;
  readonly at: string | null;
}

/** What the options ask for. Throws UsageError before anything is asked of an agent. */
function wishOf({ cancel, target, at }: Options): Wish | 'cancel' {
  if (cancel !== true) return { target: target ?? null, at: at === undefined ? null : parseTime(at) };
  if (target === undefined && at === undefined) return 'cancel';
  throw new UsageError('--cancel goes with neither --target nor --at', 'give --cancel alone');
}

async function switchover(context: ChangeContext, { target, at }: Wish): Promise<Outcome> {
  const before = await context.client.cluster(context.signal);
  if (target !== null) {
    memberNamed(before, target);
    if (target === before.primary) return { message: `${target} is the primary already`, primary: target };
  }
  const whom = target ?? 'the best standby';
  context.announce(`switchover of ${before.cluster}: ${before.primary ?? 'nobody'} hands over to ${whom}`);
  const call = { method: 'POST', path: '/v1/switchover', body: { target, at } } as const;
  const said = await context.client.change(call, context.signal);
  if (at !== null) return { message: said, target, at };
  const { primary, epoch } = await waitForPrimary(context, 'the switchover', before, target);
  return { message: `${primary} is primary of epoch ${epoch}`, primary, epoch, from: before.primary };
}

async function cancel(context: ChangeContext): Promise<Outcome> {
  context.announce('withdrawing the switchover');
  const message = await context.client.change({ method: 'DELETE', path: '/v1/switchover' }, context.signal);
  await context.wait('the withdrawal', async (signal) => {
    const { switchover: request } = await context.client.cluster(signal);
    return request === null ? { done: true, seen: '' } : { seen: 'still recorded' };
  });
  return { message };
}

/** The instant that the text names, as RFC 3339 in UTC. */
function parseTime(text: string): string {
  const withZone = /^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(:\d\d(\.\d+)?)?([Zz]|[+-]\d\d:\d\d)$/.test(text);
  const time = new Date(text);
  if (!withZone || Number.isNaN(time.getTime())) {
    throw new UsageError(
      `not a time: ${text}`,
      'give date, time and zone, such as --at 2030-01-31T03:00:00Z',
    );
  }
  if (time.getTime() < Date.now()) throw new UsageError(`${text} is past`, 'leave --at away to switch now');
  return time.toISOString();
}
