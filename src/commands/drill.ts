import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Command, Option } from 'commander';
import type { DrillResult } from '../archive/drill/result.ts';
import { type ArchiveOptions, addArchiveOptions, isOffline, withArchive } from './archive-options.ts';
import { parseSeconds } from './change.ts';
import { connect } from './connection-options.ts';
import { wholeBetween } from './demo-options.ts';
import { UsageError } from './errors.ts';
import { EXIT } from './exit-codes.ts';
import { interruptible } from './interrupt.ts';
import { type OutputFormat, outputOption, print } from './output/format.ts';
import { openProgress } from './output/progress.ts';
import { formatBytes, formatMillis } from './output/quantity.ts';
import { runJob } from './run-job.ts';
import { waitFor } from './wait.ts';

interface Options extends ArchiveOptions {
  readonly backup?: string;
  readonly on?: string;
  readonly check?: readonly string[];
  readonly database: string;
  readonly amcheck: boolean;
  readonly directory?: string;
  readonly binDirectory?: string;
  readonly user: string;
  readonly superuser: string;
  readonly parallel: number;
  readonly output: OutputFormat;
  readonly timeout: number;
}

const collect = (value: string, previous: readonly string[] | undefined): string[] => [
  ...(previous ?? []),
  value,
];
/** Of the volume, where a person holds the drill. */
const KEEP_FREE = 0.05;

/** `pgwarden drill`: restores the newest backup for real, and checks what came of it. */
export function registerDrill(program: Command): void {
  const command = program
    .command('drill')
    .summary('restore the newest backup for real, check it, and throw it away')
    .description(
      'Restores the newest backup into a scratch directory beside a standby, replays all WAL, starts Postgres on it, ' +
        'runs pg_amcheck and the checks of the configuration, counts every row, and removes it again. Exits with 0 ' +
        'where all of that was good.',
    )
    .option('--backup <id>', 'this backup (default: the newest)')
    .option('--on <member>', 'the member that holds it (default: the freshest standby)')
    .option(
      '--check <sql>',
      'with --from: a query that must give a row that begins neither false nor null',
      collect,
    )
    .option('--database <name>', 'with --from: the database that checks are asked of', 'postgres')
    .option('--no-amcheck', 'with --from: without pg_amcheck')
    .option(
      '-D, --directory <dir>',
      'with --from: where to restore to, made and removed (default: a temporary one)',
    )
    .option('--bin-directory <dir>', "with --from: the directory of Postgres's programs")
    .option('--user <name>', 'with --from, where this is root: the user to become', 'postgres')
    .option('--superuser <role>', 'with --from: a role of the cluster that may do everything', 'postgres')
    .addOption(
      new Option('--parallel <n>', 'with --from: how many parts are fetched at once')
        .default(2)
        .argParser(wholeBetween(1, 32)),
    )
    .option('--timeout <seconds>', 'how long it may take', parseSeconds, 12 * 3_600);
  addArchiveOptions(command)
    .addOption(outputOption())
    .addHelpText(
      'after',
      '\nExamples:\n  $ pgwarden drill\n  $ pgwarden drill --from s3://backups/orders --check "select count(*) > 0 from orders"',
    )
    .action(async (options: Options) => {
      const result = await (isOffline(options) ? offline(options) : byAgent(options));
      await print(options.output, result, () => drillText(result));
      if (!result.ok) process.exitCode = EXIT.failed;
    });
}

async function byAgent(options: Options): Promise<DrillResult> {
  if (options.check !== undefined || options.directory !== undefined)
    throw new UsageError(
      '--check and --directory go with --from',
      'the checks of a cluster are configured: drill.checks',
    );
  const client = await connect(options);
  return await interruptible(async (signal) => {
    using progress = openProgress(process.stderr, { quiet: options.output !== 'table' });
    const { result } = await runJob<DrillResult>(
      {
        client,
        signal,
        announce: (text) => progress.line(text),
        confirm: async () => undefined,
        wait: (what, look) => waitFor(look, { what, timeoutSeconds: options.timeout, progress, signal }),
      },
      { kind: 'drill', backup: options.backup ?? null, on: options.on ?? null },
    );
    return result;
  });
}

async function offline(options: Options & { readonly from: string }): Promise<DrillResult> {
  const [{ holdDrill }, { dropPrivileges }, { lowerPriority }, { sentenceOfDrill }] = await Promise.all([
    import('../archive/drill/drill.ts'),
    import('../agent/privileges.ts'),
    import('./drill-worker.ts'),
    import('./drill-progress.ts'),
  ]);
  const parent = options.directory === undefined ? await mkdtemp(join(tmpdir(), 'pgwarden-drill-')) : null;
  const directory = options.directory ?? join(parent ?? '', 'scratch');
  try {
    return await interruptible((signal) =>
      withArchive(
        options,
        async (source) => {
          dropPrivileges(options.user, parent ?? directory);
          lowerPriority();
          using progress = openProgress(process.stderr, { quiet: options.output !== 'table' });
          return await holdDrill(
            {
              source,
              member: null,
              directory,
              keepFree: KEEP_FREE,
              binDirectory: options.binDirectory ?? null,
              user: options.superuser,
              checks: (options.check ?? []).map((sql, index) => ({
                name: `check ${index + 1}`,
                database: options.database,
                sql,
              })),
              amcheck: options.amcheck,
              backup: options.backup ?? null,
              parallel: options.parallel,
              timeout: options.timeout * 1000,
              report: (now) => progress.update(sentenceOfDrill(now)),
            },
            signal,
          );
        },
        signal,
      ),
    );
  } finally {
    if (parent !== null) await rm(parent, { recursive: true, force: true });
  }
}

/** The result for people. */
export function drillText(result: DrillResult): string {
  const { ok, backup, error, recoveredTo, lastCommitAt, databases, rows, checks, times, amcheck } = result;
  const took = formatMillis(Date.parse(result.endedAt) - Date.parse(result.startedAt));
  const lines: string[] = [];
  if (backup !== null)
    lines.push(
      `${backup}${recoveredTo === null ? '' : `, recovered to ${recoveredTo}`}${lastCommitAt === null ? '' : `, last commit ${lastCommitAt}`}`,
    );
  if (result.restoredBytes !== null)
    lines.push(
      `${formatBytes(result.restoredBytes)} unpacked in ${formatMillis(times.unpack ?? 0)}, recovered in ${formatMillis(times.recover ?? 0)}${times.check === null ? '' : `, checked in ${formatMillis(times.check)}`}`,
    );
  if (rows !== null)
    lines.push(
      `${rows} rows in ${databases.reduce((sum, one) => sum + one.tables, 0)} tables of ${databases.map(({ database }) => database).join(', ')}`,
    );
  if (amcheck !== null && amcheck !== 'off') lines.push(`pg_amcheck: ${amcheck}`);
  if (result.amcheckSaid !== null) lines.push(result.amcheckSaid);
  for (const check of checks) lines.push(`${check.ok ? 'passed' : 'FAILED'}: ${check.name}: ${check.said}`);
  if (error !== null) lines.push(`${error.code}: ${error.message}`, error.remedy);
  lines.push(ok ? `the drill was good (${took})` : `the drill was NOT good (${took})`);
  return lines.join('\n');
}
