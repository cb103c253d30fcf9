import type { Command } from 'commander';
import type { RetentionReport } from '../archive/retention/outcome-report.ts';
import type { RetentionPolicy } from '../archive/retention/plan.ts';
import { type ArchiveOptions, addArchiveOptions, isOffline, withArchive } from './archive-options.ts';
import { type ChangeContext, carryOut, type Outcome, parseSeconds } from './change.ts';
import { confirm } from './confirm.ts';
import { wholeBetween } from './demo-options.ts';
import { UsageError } from './errors.ts';
import { interruptible } from './interrupt.ts';
import { identityOfArchive } from './offline-identity.ts';
import { type OutputFormat, outputOption, print } from './output/format.ts';
import { removalText } from './removal-text.ts';
import { runJob } from './run-job.ts';

interface Options extends ArchiveOptions {
  readonly dryRun?: boolean;
  readonly window?: string;
  readonly count?: number;
  readonly yes?: boolean;
  readonly output: OutputFormat;
  readonly timeout: number;
}

/** `pgwarden retention`: removes what no rule keeps, now. */
export function registerRetention(program: Command): void {
  const command = program
    .command('retention')
    .summary('remove what no rule of retention keeps')
    .description(
      'Removes backups that neither retention.window nor retention.count keeps, and the WAL that no kept backup can ' +
        'use, the oldest first. The primary does so by itself, by retention.schedule; this does it now.',
    )
    .option('--dry-run', 'only say what would go, and why the rest stays')
    .option('--window <duration>', 'with --from: every moment of so much time past stays, such as 14d')
    .option('--count <n>', 'with --from: so many of the newest backups stay', wholeBetween(1, 10_000))
    .option('--yes', 'do not ask, also on a terminal')
    .option('--timeout <seconds>', 'how long to wait for the outcome', parseSeconds, 24 * 3_600);
  addArchiveOptions(command)
    .addOption(outputOption())
    .addHelpText('after', '\nExample:\n  $ pgwarden retention --dry-run')
    .action((options: Options) => (isOffline(options) ? offline(options) : byAgent(options)));
}

async function byAgent(options: Options): Promise<void> {
  if (options.window !== undefined || options.count !== undefined)
    throw new UsageError(
      '--window and --count go with --from',
      'a cluster keeps what its configuration says: retention.window and retention.count',
    );
  await carryOut(options, async (context: ChangeContext): Promise<Outcome> => {
    const request = { kind: 'retention', dryRun: options.dryRun === true } as const;
    const { result } = await runJob<RetentionReport>(context, request);
    return { message: removalText(result), ...result };
  });
}

async function offline(options: Options & { readonly from: string }): Promise<void> {
  const policy = await policyOf(options);
  const dryRun = options.dryRun === true;
  const { removeFromArchive } = await import('../archive/retention/run-retention.ts');
  const report = await interruptible((signal) =>
    withArchive(
      options,
      async (source) => {
        const own = await identityOfArchive(source, signal);
        if (!dryRun)
          await confirm(
            `What is not kept is removed from ${source.store.name}, the archive of cluster ${own.clusterUID} (system identifier ${own.systemIdentifier}).`,
            options.yes === true,
            signal,
          );
        return await removeFromArchive(source, own, { policy }, dryRun, () => undefined, signal);
      },
      signal,
    ),
  );
  await print(options.output, report, () => removalText(report));
}

async function policyOf({ window, count }: Options): Promise<RetentionPolicy> {
  if (window === undefined && count === undefined)
    throw new UsageError('nothing says how much is kept', 'give --window, such as 14d, or --count');
  const { parseDuration } = await import('../config/units.ts');
  const parsed = window === undefined ? null : parseDuration(window);
  if (window !== undefined && (parsed === null || parsed <= 0))
    throw new UsageError(`not a duration: ${window}`, 'give it with its unit, such as 14d');
  return { window: parsed, count: count ?? null };
}
