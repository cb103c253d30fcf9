import type { Command } from 'commander';
import { goalOf } from '../agent/recovery/goal.ts';
import type { RecoveryGoal } from '../ha/record.ts';
import type { ClusterStatus } from '../http/ports.ts';
import type { RecoveryReport } from '../http/recovery-report.ts';
import {
  addChangeOptions,
  type ChangeContext,
  type ChangeOptions,
  carryOut,
  type Outcome,
} from './change.ts';
import { HappenedOtherwiseError, UsageError } from './errors.ts';
import { addTargetOptions, type TargetOptions, targetOf, timelineOf } from './restore-options.ts';
import { type Look, SETTLING_MILLIS } from './wait.ts';

interface Options extends ChangeOptions, TargetOptions {
  readonly pause?: boolean;
  readonly resume?: boolean;
  readonly confirm?: boolean;
  readonly abandon?: boolean;
}

interface Recovered {
  readonly recovery: RecoveryReport;
  readonly primary: string | null;
}

/** `pgwarden recover`: the whole running cluster goes back to a point of its own archive. */
export function registerRecover(program: Command): void {
  const command = program
    .command('recover')
    .summary('take the whole running cluster back to a point of its archive')
    .description(
      'Stops every member, sets its data aside, and recovers the cluster out of its own archive to the target; the ' +
        'primary first, the standbys are cloned. Clients are let in then, to look and to work, and nothing is archived ' +
        'until --confirm removes the data of before, or --abandon brings it back. A target that the archive does not ' +
        'reach is refused, with the range that it does, before anything is touched.',
    );
  addTargetOptions(command)
    .option('--pause', 'stand still at the target, read-only, before anything is promoted')
    .option('--resume', 'end the pause: promote it or, with a later target, go on to pause there')
    .option('--confirm', 'keep what was recovered: the data of before is removed')
    .option('--abandon', 'bring the data of before back: what was written since the recovery is removed');
  addChangeOptions(command, 3_600, true)
    .addHelpText(
      'after',
      '\nExamples:\n  $ pgwarden recover --to-time "2030-01-31 03:00:00+00"\n  $ pgwarden recover --confirm\n' +
        '  $ pgwarden recover --pause --to-time "2030-01-31 02:55:00+00"\n' +
        '  $ pgwarden recover --resume --to-time "2030-01-31 02:59:00+00"\n  $ pgwarden recover --resume',
    )
    .action((options: Options) => {
      const change = wishOf(options);
      return carryOut(options, change);
    });
}

/** What the options ask for. Throws UsageError before anything is asked of an agent. */
function wishOf(options: Options): (context: ChangeContext) => Promise<Outcome> {
  const { pause = false, resume = false, confirm = false, abandon = false, backup = null } = options;
  const target = targetOf(options);
  const timeline = String(timelineOf(options));
  if ([pause, resume, confirm, abandon].filter(Boolean).length > 1)
    throw new UsageError('--pause, --resume, --confirm and --abandon', 'give one of them');
  if (resume) {
    if (backup !== null || timeline !== 'latest')
      throw new UsageError(
        '--resume goes with a target alone',
        'a recovery keeps to its backup and timeline',
      );
    return (context) => resumeIt(context, target.kind === 'latest' ? null : goalOf(target));
  }
  if (confirm || abandon) {
    if (target.kind !== 'latest' || backup !== null)
      throw new UsageError(`--${confirm ? 'confirm' : 'abandon'} goes with no target`, `give it alone`);
    return confirm ? confirmIt : abandonIt;
  }
  if (target.kind === 'latest')
    throw new UsageError(
      'no target is given',
      'give one of --to-time, --to-lsn, --to-xid, --to-name and --immediate',
    );
  const body = { goal: goalOf(target), timeline, backup, pause };
  return (context) => begin(context, body);
}

async function begin(context: ChangeContext, body: object): Promise<Outcome> {
  const { client, signal } = context;
  const before = await client.cluster(signal);
  await context.confirm(
    `The whole cluster ${before.cluster} stops and goes back. What was written since the target is set aside.`,
  );
  const said = await client.change({ method: 'POST', path: '/v1/recovery', body }, signal);
  context.announce(said);
  return await waitForRecovery(context, before);
}

async function resumeIt(context: ChangeContext, goal: RecoveryGoal | null): Promise<Outcome> {
  const { client, signal } = context;
  const before = await client.cluster(signal);
  context.announce(
    await client.change({ method: 'POST', path: '/v1/recovery/resume', body: { goal } }, signal),
  );
  return await waitForRecovery(context, before);
}

/** What the person is to do. */
function outcomeOf({ recovery, primary }: Recovered): Outcome {
  if (recovery.paused != null)
    return {
      message:
        `${recovery.by} stands at ${recovery.target}, read-only. Look there, as the superuser: psql -h ` +
        `${recovery.paused.socketDirectory} -U postgres. Then run "pgwarden recover --resume" to promote it, the same with a later ` +
        'target to go on, or "pgwarden recover --abandon"',
      recovery,
    };
  return {
    message:
      `${primary ?? 'the primary'} serves what there was at ${recovery.target}. Look at it, then run ` +
      '"pgwarden recover --confirm" (nothing is archived until then), or "pgwarden recover --abandon"',
    recovery,
    primary,
  };
}

/** Throws HappenedOtherwiseError once the recovery is no more, or about to go. */
async function waitForRecovery(context: ChangeContext, before: ClusterStatus): Promise<Outcome> {
  let isKnown = before.recovery != null;
  let goneSince: number | null = null;
  const stood = before.recovery?.paused ?? null;
  const recovered = await context.wait('the recovery', async (signal): Promise<Look<Recovered>> => {
    const now = await context.client.clusterFirstHand(signal);
    const { recovery, primary } = now;
    if (recovery?.state === 'abandoning') throw new HappenedOtherwiseError('the recovery was abandoned');
    isKnown ||= recovery != null || now.epoch > before.epoch;
    if (recovery == null) {
      goneSince ??= performance.now();
      if (isKnown && performance.now() - goneSince > SETTLING_MILLIS)
        throw new HappenedOtherwiseError('the recovery was abandoned, or confirmed by somebody else');
      return { seen: 'the members are about to hear of it' };
    }
    goneSince = null;
    const isOpen = now.members.some((member) => member.role === 'primary' && member.state === 'primary');
    if (recovery.state === 'serving' && isOpen) return { done: { recovery, primary }, seen: '' };
    const { paused = null } = recovery;
    if (paused !== null && paused.at !== stood?.at) return { done: { recovery, primary }, seen: '' };
    return { seen: progressOf(now, recovery) };
  });
  return outcomeOf(recovered);
}

async function confirmIt(context: ChangeContext): Promise<Outcome> {
  const { client, signal } = context;
  const { recovery } = await client.cluster(signal);
  if (recovery != null)
    await context.confirm(
      `What the cluster had before it went back to ${recovery.target} is removed for good.`,
    );
  const message = await client.change({ method: 'POST', path: '/v1/recovery/confirm' }, signal);
  await context.wait('the confirmation', gone(client));
  return { message, recovery };
}

async function abandonIt(context: ChangeContext): Promise<Outcome> {
  const { client, signal } = context;
  const { recovery, epoch } = await client.cluster(signal);
  if (recovery != null)
    await context.confirm(
      `What was written since the cluster went back to ${recovery.target} is removed for good.`,
    );
  const message = await client.change({ method: 'DELETE', path: '/v1/recovery' }, signal);
  context.announce(message);
  const { primary } = await context.wait('the return', async (looking) => {
    const seen = await client.cluster(looking);
    if (seen.recovery != null) return { seen: progressOf(seen, seen.recovery) };
    // The return raises the epoch: an agent that still tells the one before has not heard of the recovery yet.
    const serving = seen.members.find((member) => member.role === 'primary' && member.state === 'primary');
    return serving !== undefined && seen.epoch > epoch && seen.settledEpoch === seen.epoch
      ? { done: seen, seen: '' }
      : { seen: 'everything is back; a primary is elected' };
  });
  return { message: `everything is as it was before: ${primary ?? 'nobody'} is primary`, primary, recovery };
}

function gone(client: ChangeContext['client']) {
  return async (signal: AbortSignal): Promise<Look<true>> => {
    const { recovery } = await client.cluster(signal);
    return recovery == null ? { done: true, seen: '' } : { seen: recovery.state };
  };
}

function progressOf({ members }: ClusterStatus, { state, by, done }: RecoveryReport): string {
  switch (state) {
    case 'stopping':
      return `the data of ${done.length} of ${members.length} members is set aside`;
    case 'abandoning':
      return `the data of ${done.length} of ${members.length} members is back`;
    case 'recovering': {
      const progress = members.find(({ name }) => name === by)?.progress ?? null;
      if (progress === null) return `${by} recovers`;
      const part = progress.fraction === null ? '' : `${Math.floor(progress.fraction * 100)} %, `;
      return `${by}: ${part}${progress.detail}`;
    }
    case 'serving':
      return 'recovered; the door is about to open';
  }
}
