import { type Command, Option } from 'commander';
import type { ArchiveOverview, BackupOverview } from '../archive/catalog/overview.ts';
import { type ArchiveOptions, addArchiveOptions } from './archive-options.ts';
import { overviewFor } from './archive-overview.ts';
import { type OutputFormat, outputOption, print } from './output/format.ts';
import { formatBytes, formatMillis } from './output/quantity.ts';
import { renderTable } from './output/table.ts';

interface Options extends ArchiveOptions {
  readonly output: OutputFormat;
  readonly binDirectory?: string;
}

/** `pgwarden backup list`: the backups of an archive, and to what each can be restored. */
export function registerBackupList(backup: Command): void {
  const command = backup
    .command('list')
    .summary('the backups of the archive, and to what each can be restored')
    .description(
      'Lists the backups of an archive of pgwarden, WAL-G or barman-cloud, the oldest first: size, duration, start ' +
        'and end, and the range to which each can be restored with the WAL that is there.',
    );
  addArchiveOptions(command)
    .addOption(new Option('--bin-directory <dir>', "with --from: the directory of Postgres's programs"))
    .addOption(outputOption())
    .addHelpText(
      'after',
      '\nExamples:\n  $ pgwarden backup list\n  $ pgwarden backup list --from s3://backups/orders -o json',
    )
    .action(async (_: unknown, self: Command) => {
      const options = self.optsWithGlobals<Options>();
      const overview = await overviewFor(options);
      const { archive, backups, unreadable, unfinished } = overview;
      await print(options.output, { archive, backups, unreadable, unfinished }, () => backupTable(overview));
    });
}

/** The backups for people. */
export function backupTable({ archive, backups, unreadable, unfinished }: ArchiveOverview): string {
  const table =
    backups.length === 0
      ? `${archive} has no backup`
      : renderTable<BackupOverview>(
          [
            { title: 'BACKUP', cell: ({ id }) => id },
            { title: 'STORED', cell: ({ storedBytes }) => formatBytes(storedBytes), align: 'right' },
            {
              title: 'DATA',
              cell: ({ originalBytes }) => (originalBytes === null ? '-' : formatBytes(originalBytes)),
              align: 'right',
            },
            { title: 'STARTED', cell: ({ startedAt }) => seconds(startedAt) },
            {
              title: 'TOOK',
              cell: ({ startedAt, finishedAt }) =>
                formatMillis(Date.parse(finishedAt) - Date.parse(startedAt)),
              align: 'right',
            },
            { title: 'START LSN', cell: ({ startLsn }) => startLsn },
            { title: 'END LSN', cell: ({ endLsn }) => endLsn },
            { title: 'TL', cell: ({ timeline }) => String(timeline), align: 'right' },
            { title: 'RECOVERABLE', cell: reachCell },
          ],
          backups,
        );
  return [
    table,
    ...unreadable.map(({ id, why }) => `${id}: its sentinel cannot be read: ${why}`),
    ...unfinished.map(
      ({ id, objects, storedBytes, modifiedAt }) =>
        `${id}: not finished: ${objects} objects, ${formatBytes(storedBytes)}, the last at ${seconds(modifiedAt)}`,
    ),
  ].join('\n');
}

function reachCell({ reach, permanent, parent, finishedAt }: BackupOverview): string {
  const marks = [...(permanent ? ['permanent'] : []), ...(parent === null ? [] : [`since ${parent}`])];
  const tail = marks.length === 0 ? '' : ` (${marks.join(', ')})`;
  if (reach === null || !reach.restorable) return `not at all: WAL is missing${tail}`;
  const until = reach.untilTime === null ? reach.until : `${seconds(reach.untilTime)} (${reach.until})`;
  return `${seconds(finishedAt)} to ${until}${reach.hole === null ? '' : ', a hole'}${tail}`;
}

/** `2030-01-31 03:00:00Z`. */
export function seconds(time: string): string {
  return `${time.slice(0, 19).replace('T', ' ')}Z`;
}
