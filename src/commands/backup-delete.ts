import type { Command } from 'commander';
import type { RetentionReport } from '../archive/retention/outcome-report.ts';
import { type ArchiveOptions, addArchiveOptions, isOffline, withArchive } from './archive-options.ts';
import { type ChangeContext, type ChangeOptions, carryOut, type Outcome, parseSeconds } from './change.ts';
import { confirm } from './confirm.ts';
import { interruptible } from './interrupt.ts';
import { identityOfArchive } from './offline-identity.ts';
import { type OutputFormat, outputOption, print } from './output/format.ts';
import { removalText } from './removal-text.ts';
import { runJob } from './run-job.ts';

interface Options extends ArchiveOptions {
  readonly dryRun?: boolean;
  readonly last?: boolean;
  readonly yes?: boolean;
  readonly output: OutputFormat;
  readonly timeout: number;
}

/** `pgwarden backup delete`: one backup, and the WAL that nothing else needs. */
export function registerBackupDelete(backup: Command): void {
  const command = backup
    .command('delete')
    .summary('delete a backup, and the WAL that nothing else needs')
    .description(
      'Deletes a backup from the archive, and the WAL that no other backup needs. Refuses what others are increments ' +
        'of, what is marked permanent, and (without --last) the last one that can be restored.',
    )
    .argument('<backup>', 'its id, as "pgwarden backup list" shows it')
    .option('--dry-run', 'only say what would go')
    .option('--last', 'also where it is the last one that can be restored')
    .option('--yes', 'do not ask, also on a terminal')
    .option('--timeout <seconds>', 'how long to wait for the outcome', parseSeconds, 3_600);
  addArchiveOptions(command)
    .addOption(outputOption())
    .addHelpText('after', '\nExample:\n  $ pgwarden backup delete base_000000010000000000000003 --dry-run')
    .action(async (id: string, _: unknown, self: Command) => {
      const options = self.optsWithGlobals<Options>();
      await (isOffline(options) ? offline(id, options) : byAgent(id, options));
    });
}

async function byAgent(id: string, options: Options): Promise<void> {
  const change: ChangeOptions = options;
  await carryOut(change, async (context: ChangeContext): Promise<Outcome> => {
    const dryRun = options.dryRun === true;
    if (!dryRun) await context.confirm(`${id} is removed from the archive.`);
    const request = { kind: 'delete', backup: id, dryRun, last: options.last === true } as const;
    const { result } = await runJob<RetentionReport>(context, request);
    return { message: removalText(result), ...result };
  });
}

async function offline(id: string, options: Options & { readonly from: string }): Promise<void> {
  const { removeFromArchive } = await import('../archive/retention/run-retention.ts');
  const dryRun = options.dryRun === true;
  const report = await interruptible((signal) =>
    withArchive(
      options,
      async (source) => {
        const own = await identityOfArchive(source, signal);
        if (!dryRun)
          await confirm(
            `${id} is removed from ${source.store.name}, the archive of cluster ${own.clusterUID} (system identifier ${own.systemIdentifier}).`,
            options.yes === true,
            signal,
          );
        const wish = { backup: id, last: options.last === true };
        return await removeFromArchive(source, own, wish, dryRun, () => undefined, signal);
      },
      signal,
    ),
  );
  await print(options.output, report, () => removalText(report));
}
