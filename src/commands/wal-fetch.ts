import type { Command } from 'commander';

interface Options {
  readonly from: string;
  readonly config?: string;
  readonly set: readonly string[];
}

const collect = (value: string, previous: readonly string[] | undefined): string[] => [
  ...(previous ?? []),
  value,
];

/** Over 125: Postgres ends the recovery rather than take a fault of the store for the end of the archive. */
const FAULT = 200;

/** `pgwarden wal-fetch`: the restore_command that `pgwarden restore --no-replay` leaves. */
export function registerWalFetch(program: Command): void {
  program
    .command('wal-fetch')
    .summary('bring one file of WAL, as a restore_command')
    .description(
      'Brings a file of WAL from an archive to a path: the full segment, else what the live tail has of it. Exits 1 ' +
        'where the archive has none, and 200 where the store could not tell within ten minutes. An agent does not ' +
        'need it: it fetches ahead, and without a process for each file.',
    )
    .argument('<file>', 'as Postgres names it (%f)')
    .argument('<path>', 'where to put it (%p)')
    .requiredOption('--from <url>', 's3://bucket/prefix or file:///path')
    .option('-c, --config <file>', 'configuration file, of which the section archive is read')
    .option('--set <path=value>', 'one setting of the section archive; may be repeated', collect, [])
    .addHelpText(
      'after',
      "\nExample:\n  restore_command = 'pgwarden wal-fetch --from s3://backups/orders %f %p'",
    )
    .action(async (file: string, path: string, options: Options) => {
      const { fetchFile } = await import('./wal-fetch-file.ts');
      try {
        const found = await fetchFile(
          file,
          path,
          options.from,
          { file: options.config ?? null, flags: options.set, environment: process.env },
          (text) => process.stderr.write(`pgwarden: ${text}\n`),
        );
        process.exitCode = found ? 0 : 1;
      } catch (error) {
        process.stderr.write(`pgwarden: ${error instanceof Error ? error.message : String(error)}\n`);
        process.exitCode = FAULT;
      }
    });
}
