import type { Command } from 'commander';
import type { BegunRun, EndedBackup } from '../http/backup-report.ts';
import { backupProgress } from './backup-progress.ts';
import {
  addChangeOptions,
  type ChangeContext,
  type ChangeOptions,
  carryOut,
  type Outcome,
} from './change.ts';
import { BackupFailedError, HappenedOtherwiseError } from './errors.ts';
import { memberNamed } from './members.ts';
import { formatBytes, formatMillis } from './output/quantity.ts';
import type { Look } from './wait.ts';

interface Options extends ChangeOptions {
  readonly from?: string;
  readonly incremental?: boolean;
  readonly wait?: boolean;
}

/** Copying terabytes takes its time. */
const WAIT_SECONDS = 24 * 3_600;

/** `pgwarden backup`: begins a backup, and with `--wait` sees it through. */
export function registerBackupCreate(command: Command): void {
  command
    .description(
      'Takes a base backup of the cluster into its archive: of the freshest standby, or of who is named. Exactly one ' +
        'runs at a time. Exits once it has begun, or with --wait once it is in the archive.',
    )
    .option('--from <member>', 'a member, "standby" or "primary"; without: as configured (backup.from)')
    .option(
      '--incremental',
      'only what changed since the newest backup (Postgres 17 and later, backup.incremental); everything where that cannot be',
    )
    .option('--wait', 'wait until it is in the archive, and show how far it is');
  addChangeOptions(command, WAIT_SECONDS)
    .addHelpText('after', '\nExample:\n  $ pgwarden backup --wait')
    .action((options: Options) => carryOut(options, (context) => takeBackup(context, options)));
}

async function takeBackup(
  context: ChangeContext,
  { from, incremental = false, wait }: Options,
): Promise<Outcome> {
  const { client, signal } = context;
  if (from !== undefined && from !== 'standby' && from !== 'primary')
    memberNamed(await client.cluster(signal), from);
  const call = { method: 'POST', path: '/v1/backups', body: { from: from ?? null, incremental } } as const;
  const begun = await client.changeFor<BegunRun>(call, signal);
  if (wait !== true) return { ...begun };
  context.announce(begun.message);
  const done = await context.wait('the backup', (looking) => lookAt(context, begun, looking));
  if (done.error !== null) throw new BackupFailedError(done.error);
  const took = Date.parse(done.endedAt) - Date.parse(done.startedAt);
  return {
    message: [
      `${done.name ?? 'the backup'} is in the archive: ${formatBytes(done.dataBytes)}, ${formatBytes(done.storedBytes)} stored, in ${formatMillis(took)}`,
      ...(done.parent === null ? [] : [`what changed since ${done.parent}`]),
      ...(done.whyWhole === null ? [] : [`everything, since ${done.whyWhole}`]),
    ].join('; '),
    member: begun.member,
    ...done,
  };
}

async function lookAt(
  { client }: ChangeContext,
  { member, run }: BegunRun,
  signal: AbortSignal,
): Promise<Look<EndedBackup>> {
  const cluster = await client.cluster(signal);
  const status = await client.statusOf(memberNamed(cluster, member), signal);
  if (status === null) return { seen: `${member} does not answer` };
  const { running = null, last = null } = status.backup ?? {};
  if (last?.run === run) return { done: last, seen: last.outcome };
  if (running?.run === run) return { seen: backupProgress(running, Date.now()) };
  throw new HappenedOtherwiseError(
    `${member} knows nothing of this backup any more: its agent was started anew`,
  );
}
