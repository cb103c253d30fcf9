import { type Command, Option } from 'commander';
import type { VerifyReport } from '../archive/verify/verify.ts';
import { type ArchiveOptions, addArchiveOptions, isOffline, withArchive } from './archive-options.ts';
import { parseSeconds } from './change.ts';
import { connect } from './connection-options.ts';
import { wholeBetween } from './demo-options.ts';
import { EXIT } from './exit-codes.ts';
import { interruptible } from './interrupt.ts';
import { type OutputFormat, outputOption, print } from './output/format.ts';
import { openProgress } from './output/progress.ts';
import { formatBytes } from './output/quantity.ts';
import { runJob } from './run-job.ts';
import { waitFor } from './wait.ts';

interface Options extends ArchiveOptions {
  readonly quick?: boolean;
  readonly wal?: boolean;
  readonly backup?: string;
  readonly parallel: number;
  readonly output: OutputFormat;
  readonly timeout: number;
}

/** `pgwarden verify`: whether the archive is one that can be restored from. */
export function registerVerify(program: Command): void {
  const command = program
    .command('verify')
    .summary('check the archive: WAL without holes, backups whole')
    .description(
      'Checks that every segment of WAL is there on every timeline that leads to now, that the parts of the backups ' +
        'are those that were written (checksums), and that their files are those of the manifest. Writes nothing. ' +
        'Exits with 0 where nothing is wrong, 1 where something is or it could not be found out.',
    )
    .option('--quick', 'only names and sizes: nothing but listings is read')
    .option('--wal', 'also read every segment of WAL')
    .option('--backup <id>', 'of the backups only this one')
    .addOption(
      new Option('--parallel <n>', 'with --from: how many objects are read at once')
        .default(2)
        .argParser(wholeBetween(1, 32)),
    )
    .option('--timeout <seconds>', 'how long to wait for the outcome', parseSeconds, 24 * 3_600);
  addArchiveOptions(command)
    .addOption(outputOption())
    .addHelpText(
      'after',
      '\nExamples:\n  $ pgwarden verify\n  $ pgwarden verify --from s3://backups/orders --quick',
    )
    .action(async (options: Options) => {
      const report = await (isOffline(options) ? offline(options) : byAgent(options));
      await print(options.output, report, () => verifyText(report));
      if (!report.ok) process.exitCode = EXIT.failed;
    });
}

async function byAgent(options: Options): Promise<VerifyReport> {
  const client = await connect(options);
  return await interruptible(async (signal) => {
    using progress = openProgress(process.stderr, { quiet: options.output !== 'table' });
    const { result } = await runJob<VerifyReport>(
      {
        client,
        signal,
        announce: (text) => progress.line(text),
        confirm: async () => undefined,
        wait: (what, look) => waitFor(look, { what, timeoutSeconds: options.timeout, progress, signal }),
      },
      {
        kind: 'verify',
        backup: options.backup ?? null,
        contents: options.quick !== true,
        wal: options.wal === true,
      },
    );
    return result;
  });
}

async function offline(options: Options & { readonly from: string }): Promise<VerifyReport> {
  const [{ verify }, { segmentBytesOf }] = await Promise.all([
    import('../archive/verify/verify.ts'),
    import('../archive/restore/segment-bytes.ts'),
  ]);
  return await interruptible((signal) =>
    withArchive(
      options,
      async (source) => {
        using progress = openProgress(process.stderr, { quiet: options.output !== 'table' });
        return await verify(
          source,
          (await segmentBytesOf(source, signal)) ?? DEFAULT_SEGMENT,
          {
            backups: options.quick !== true,
            wal: options.wal === true,
            only: options.backup ?? null,
            parallel: options.parallel,
          },
          ({ detail, readBytes, totalBytes }) =>
            progress.update(
              `${detail}: ${formatBytes(readBytes)}${totalBytes === null ? '' : ` of ${formatBytes(totalBytes)}`}`,
            ),
          signal,
        );
      },
      signal,
    ),
  );
}

/** Of an archive without WAL, which is what it is told for anyway. */
const DEFAULT_SEGMENT = 16 * 1024 * 1024;

/** The report for people. */
export function verifyText(report: VerifyReport): string {
  const { archive, backups, findings, segments, segmentsRead, readBytes, until, from } = report;
  const read = backups.filter(({ manifest }) => manifest !== 'not-read').length;
  const lines = findings.map(({ severity, subject, message }) => `${severity}: ${subject} ${message}`);
  const errors = findings.filter(({ severity }) => severity === 'error').length;
  const wal =
    from === null || until === null
      ? `${segments} segments of WAL`
      : `WAL from ${from} to ${until} (${segments} segments${segmentsRead === 0 ? '' : `, ${segmentsRead} read`})`;
  const looked = `${backups.length} ${backups.length === 1 ? 'backup' : 'backups'}${read === 0 ? '' : ` (${read} read, ${formatBytes(readBytes)})`}, ${wal}`;
  return [
    ...lines,
    errors === 0
      ? `${archive} is in order: ${looked}`
      : `${archive} is NOT in order: ${errors} ${errors === 1 ? 'error' : 'errors'}; ${looked}`,
  ].join('\n');
}
