import type { Command } from 'commander';
import type { RestoreSource } from '../archive/restore/source.ts';
import type { Whereabouts } from './client/find.ts';
import { addConnectionOptions } from './connection-options.ts';
import { UsageError } from './errors.ts';

/** Where an archive is: that of a cluster whose agent is asked, or one by its URL. */
export interface ArchiveOptions extends Whereabouts {
  readonly from?: string;
  readonly config?: string;
  readonly set?: readonly string[];
}

const collect = (value: string, previous: readonly string[] | undefined): string[] => [
  ...(previous ?? []),
  value,
];

/** Adds the options that name an archive, or an agent that knows it. */
export function addArchiveOptions(command: Command): Command {
  return addConnectionOptions(command)
    .option('--from <url>', 'without an agent: s3://bucket/prefix or file:///path')
    .option(
      '-c, --config <file>',
      'with --from: configuration file, of which the section archive is read (or PGWARDEN_CONFIG)',
    )
    .option(
      '--set <path=value>',
      'with --from: one setting, e.g. archive.s3.endpoint=http://minio:9000',
      collect,
    );
}

/** Whether the archive itself is opened here, rather than an agent asked. */
export function isOffline<Options extends ArchiveOptions>(
  options: Options,
): options is Options & { readonly from: string } {
  if (options.from !== undefined) return true;
  if (options.config !== undefined || options.set !== undefined)
    throw new UsageError(
      '--config and --set go with --from',
      'name the archive, or ask an agent without them',
    );
  return false;
}

/** Opens the archive that `--from` names, and closes it when the work is done. */
export async function withArchive<Result>(
  { from, config, set = [] }: ArchiveOptions & { readonly from: string },
  work: (source: RestoreSource) => Promise<Result>,
  signal: AbortSignal,
): Promise<Result> {
  const [{ readArchiveSection }, { archiveSettings }, { openRestoreSource }] = await Promise.all([
    import('./archive-section.ts'),
    import('../agent/archive/settings.ts'),
    import('../archive/restore/source.ts'),
  ]);
  const section = await readArchiveSection({ file: config ?? null, flags: set, environment: process.env });
  const source = await openRestoreSource(archiveSettings({ ...section, url: from }), signal);
  try {
    return await work(source);
  } finally {
    source.store.close();
  }
}
