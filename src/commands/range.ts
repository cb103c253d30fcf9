import { type Command, Option } from 'commander';
import type { ArchiveOverview } from '../archive/catalog/overview.ts';
import { type ArchiveOptions, addArchiveOptions } from './archive-options.ts';
import { overviewFor } from './archive-overview.ts';
import { seconds } from './backup-list.ts';
import { type OutputFormat, outputOption, print } from './output/format.ts';
import { renderTable } from './output/table.ts';

interface Options extends ArchiveOptions {
  readonly output: OutputFormat;
  readonly binDirectory?: string;
}

/** `pgwarden range`: to what an archive can be restored, and where it has holes. */
export function registerRange(program: Command): void {
  const command = program
    .command('range')
    .summary('to which times the archive can be restored, and its holes')
    .description(
      'Prints the intervals of time and WAL to which an archive can be restored, on every timeline, and the segments ' +
        'that are missing between the oldest backup and now.',
    );
  addArchiveOptions(command)
    .addOption(new Option('--bin-directory <dir>', "with --from: the directory of Postgres's programs"))
    .addOption(outputOption())
    .addHelpText(
      'after',
      '\nExamples:\n  $ pgwarden range\n  $ pgwarden range --from file:///archive -o json',
    )
    .action(async (options: Options) => {
      const overview = await overviewFor(options);
      const { archive, systemIdentifier, timeline, segments, intervals, holes } = overview;
      await print(options.output, { archive, systemIdentifier, timeline, segments, intervals, holes }, () =>
        rangeTable(overview),
      );
    });
}

/** The intervals and holes for people. */
export function rangeTable({ archive, backups, timeline, intervals, holes }: ArchiveOverview): string {
  const lines: string[] = [];
  if (intervals.length === 0)
    lines.push(
      backups.length === 0
        ? `${archive} has no backup: nothing can be restored`
        : `${archive} has backups, and not the WAL that they need: nothing can be restored`,
    );
  else
    lines.push(
      renderTable(
        [
          {
            title: 'TIMELINE',
            cell: (one) => `${one.timeline}${one.timeline === timeline ? ' (now)' : ''}`,
          },
          { title: 'FROM', cell: ({ fromTime }) => seconds(fromTime) },
          {
            title: 'TO (LAST COMMIT)',
            cell: ({ untilTime }) => (untilTime === null ? '?' : seconds(untilTime)),
          },
          { title: 'FROM LSN', cell: ({ from }) => from },
          { title: 'TO LSN', cell: ({ until }) => until },
          { title: 'BACKUPS', cell: (one) => String(one.backups), align: 'right' },
          {
            title: 'ENDS',
            cell: ({ hole, endsInTail }) =>
              hole !== null ? `in a hole: ${hole}` : endsInTail ? 'with the live tail' : 'with the archive',
          },
        ],
        intervals,
      ),
    );
  for (const { first, last, segments } of holes)
    lines.push(
      segments === 1
        ? `hole: ${first} is missing`
        : `hole: ${first} to ${last} are missing (${segments} segments)`,
    );
  return lines.join('\n');
}
