import { isAbsolute, resolve } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { type Command, Option } from 'commander';
import type { RestoreProgress } from '../archive/restore/progress.ts';
import type { PrivateServer } from '../postgres/work/private-server.ts';
import { wholeBetween } from './demo-options.ts';
import { CommandError, InterruptedError, UsageError } from './errors.ts';
import { EXIT } from './exit-codes.ts';
import { interruptible } from './interrupt.ts';
import { type OutputFormat, outputOption, print } from './output/format.ts';
import { openProgress, type Progress } from './output/progress.ts';
import { formatBytes, formatMillis } from './output/quantity.ts';
import { addTargetOptions, type TargetOptions, targetOf, timelineOf } from './restore-options.ts';

interface Options extends TargetOptions {
  readonly from?: string;
  readonly directory: string;
  readonly tablespaceMapping?: readonly string[];
  readonly parallel: number;
  readonly replay: boolean;
  readonly pause?: boolean;
  readonly superuser: string;
  readonly dryRun?: boolean;
  readonly binDirectory?: string;
  readonly user: string;
  readonly config?: string;
  readonly set: readonly string[];
  readonly output: OutputFormat;
}

const collect = (value: string, previous: readonly string[] | undefined): string[] => [
  ...(previous ?? []),
  value,
];

/** A person pressed Ctrl-C: what is there can be gone on with. */
class RestoreInterruptedError extends CommandError {
  constructor(directory: string, cause: unknown) {
    super(
      'INTERRUPTED',
      `interrupted: what is in ${directory}, if anything, is no whole data directory`,
      'run the same command again: it goes on where it was; or delete the directory',
      { exitCode: EXIT.interrupted, cause },
    );
  }
}

/** `pgwarden restore`: a data directory out of an archive, without an agent. */
export function registerRestore(program: Command): void {
  const command = program
    .command('restore')
    .summary('make a data directory out of an archive')
    .description(
      'Restores a backup of pgwarden, WAL-G or barman-cloud into an empty directory, replays WAL up to the target ' +
        '(by default everything, the live tail too), and stops there: the directory is one that any start of ' +
        'Postgres opens, on a timeline of its own. Nothing is written unless the target can be reached. What is ' +
        'cut off goes on when the same command is run again. Needs no agent and no cluster.',
    )
    .option('--from <url>', 's3://bucket/prefix or file:///path (default: archive.url of the configuration)')
    .requiredOption('-D, --directory <dir>', 'the data directory to make: empty or absent');
  addTargetOptions(command)
    .option('--tablespace-mapping <old=new>', 'put a tablespace elsewhere; may be repeated', collect)
    .addOption(
      new Option('--parallel <n>', 'how many parts are on their way at once')
        .default(3)
        .argParser(wholeBetween(1, 32)),
    )
    .option('--pause', 'pause at the target, read-only, and ask before it is promoted')
    .option('--superuser <name>', 'a superuser of what is restored, who ends the pause', 'postgres')
    .option(
      '--no-replay',
      'only unpack; Postgres replays when it is started, by a restore_command of pgwarden',
    )
    .option('--dry-run', 'only say what would be done')
    .option(
      '--bin-directory <dir>',
      "the directory of Postgres's programs (default: that of the backup's major)",
    )
    .option('--user <name>', 'where this is root: the user to become, who owns the directory', 'postgres')
    .option(
      '-c, --config <file>',
      'configuration file, of which the section archive is read (or PGWARDEN_CONFIG)',
    )
    .option(
      '--set <path=value>',
      'one setting, e.g. --set archive.s3.endpoint=http://minio:9000',
      collect,
      [],
    )
    .addOption(outputOption())
    .addHelpText(
      'after',
      '\nExamples:\n  $ pgwarden restore --from s3://backups/orders --to-time "2030-01-31 02:59:00+00" -D /restore/data\n' +
        '  $ pgwarden restore --from file:///archive --directory /restore/data --dry-run',
    )
    .action(runRestore);
}

async function runRestore(options: Options): Promise<void> {
  const target = targetOf(options);
  const timeline = timelineOf(options);
  const mappings = await mappingsOf(options);
  const pauses = options.pause === true;
  if (pauses && (target.kind === 'latest' || !options.replay))
    throw new UsageError(
      'there is nothing to pause at',
      'give --pause with a target, and without --no-replay',
    );
  const [{ restoreOffline }, { describeTarget }] = await Promise.all([
    import('./restore-offline.ts'),
    import('../archive/restore/target.ts'),
  ]);
  const result = await interruptible(async (signal) => {
    using progress = openProgress(process.stderr, { quiet: options.output !== 'table' });
    return await restoreOffline(
      {
        from: options.from ?? null,
        directory: resolve(options.directory),
        wish: {
          target,
          timeline,
          backup: options.backup ?? null,
          binDirectory: options.binDirectory ?? null,
        },
        mappings,
        parallel: options.parallel,
        replay: options.replay,
        dryRun: options.dryRun === true,
        user: options.user,
        settings: { file: options.config ?? null, flags: options.set, environment: process.env },
        report: (now) => progress.update(sentenceOf(now)),
        announce: (text) => progress.line(text),
        ...(pauses
          ? {
              pause: {
                superuser: options.superuser,
                ask: (server, ends) => askAtPause(server, options, progress, ends),
              },
            }
          : {}),
      },
      signal,
    );
  }).catch((error: unknown) => {
    throw error instanceof InterruptedError ? new RestoreInterruptedError(options.directory, error) : error;
  });
  await print(options.output, result, () => {
    const { directory, backup, recovered, dryRun } = result;
    if (dryRun) return `${describeTarget(target)} can be reached: from ${backup}, in ${directory}`;
    if (recovered === null)
      return `${directory} has ${backup}, and replays WAL to ${describeTarget(target)} when Postgres is started in it`;
    if (!recovered.promoted)
      return `${directory} stands at ${describeTarget(target)}, not promoted: the same command goes on, also with a later target`;
    const where = recovered.stopped === null ? 'at the end of the archive' : `stopped ${recovered.stopped}`;
    return `${directory} is at ${recovered.lsn}, ${where}${recovered.timeline === null ? '' : `, on timeline ${recovered.timeline}`}`;
  });
}

/** Lets a person look before it is promoted. Where nobody can be asked it is left as it is. */
async function askAtPause(
  { socketDirectory, port }: PrivateServer,
  { superuser }: Options,
  progress: Progress,
  signal: AbortSignal,
): Promise<'promote' | 'leave'> {
  if (process.stdin.isTTY !== true) return 'leave';
  progress.line(
    `It stands at the target, read-only. Look: psql -h ${socketDirectory} -p ${port} -U ${superuser} postgres`,
  );
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const question = 'Promote it (p), or leave it here to go further later (l)? [p/L] ';
    const answer = await terminal.question(question, { signal });
    return /^p/i.test(answer.trim()) ? 'promote' : 'leave';
  } finally {
    terminal.close();
  }
}

async function mappingsOf({ tablespaceMapping = [] }: Options) {
  if (tablespaceMapping.length === 0) return [];
  const { parseMapping } = await import('../archive/restore/tablespaces.ts');
  return tablespaceMapping.map((text) => {
    const mapping = parseMapping(text);
    if (mapping !== null && isAbsolute(mapping.to)) return mapping;
    throw new UsageError(`not a mapping of tablespaces: ${text}`, 'give OLD=NEW, both absolute paths');
  });
}

/** `unpacking 1.2 GB of 4 GB, 85 MB/s, 33 s left: part_003.tar.zst`. */
export function sentenceOf({ phase, done, total, rate, remaining, detail }: RestoreProgress): string {
  const of = total === null || total === 0 ? '' : ` ${formatBytes(done)} of ${formatBytes(total)}`;
  const pace = rate === null ? '' : `, ${formatBytes(Math.round(rate))}/s`;
  const left = remaining === null ? '' : `, ${formatMillis(remaining)} left`;
  return `${phase}${of}${pace}${left}${detail === '' ? '' : `: ${detail}`}`;
}
