import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { InstanceDeps, InstanceOptions, ReportProgress } from '../ports.ts';
import { underLock } from '../process/lock.ts';
import { runTool } from '../process/tool.ts';
import { makeDirectory, writeDurably } from '../volume/durable.ts';
import type { VolumePaths } from '../volume/paths.ts';

/** The system's libc locale that every Debian and Alpine has without a package of locales. */
const LIBC_LOCALE = 'C.UTF-8';
/** ICU's root collation. */
const ICU_LOCALE = 'und';

/** initdb into `incoming`. What it makes is complete when this returns, and is installed by the caller. */
export async function initializeIncoming(
  options: InstanceOptions,
  paths: VolumePaths,
  deps: InstanceDeps,
  report: ReportProgress,
  signal: AbortSignal,
): Promise<void> {
  await makeDirectory(paths.settings);
  const passwordFile = join(paths.settings, 'initdb-password');
  report({ done: 0, total: null, detail: 'running initdb' });
  try {
    await writeDurably(passwordFile, `${options.superuser.password()}\n`);
    const args = [...initdbArguments(options, deps), '--pwfile', passwordFile, '-D', paths.incoming];
    await runTool(
      {
        name: 'initdb',
        ...underLock(paths.lock, join(options.binaries.directory, 'initdb'), args),
        cwd: paths.volume,
      },
      signal,
    );
  } finally {
    await rm(passwordFile, { force: true });
  }
}

function initdbArguments(options: InstanceOptions, deps: InstanceDeps): string[] {
  const { initdb, binaries, superuser } = options;
  const args = [
    '--username',
    superuser.name,
    '--encoding',
    initdb.encoding,
    '--auth-local=peer',
    '--auth-host=scram-sha-256',
    '--no-instructions',
  ];
  if (initdb.dataChecksums) args.push('--data-checksums');
  else if (binaries.major >= 18) args.push('--no-data-checksums');
  if (initdb.walSegmentSizeMb !== null) args.push(`--wal-segsize=${initdb.walSegmentSizeMb}`);
  if (initdb.localeProvider === 'icu' && binaries.major >= 15) {
    args.push(
      '--locale-provider=icu',
      `--icu-locale=${initdb.locale ?? ICU_LOCALE}`,
      `--locale=${LIBC_LOCALE}`,
    );
    return args;
  }
  if (initdb.localeProvider === 'icu') {
    deps.logger.warn(
      { event: 'initdb_libc', major: binaries.major },
      'ICU as the default locale provider needs PostgreSQL 15: libc is used',
    );
  }
  args.push(`--locale=${initdb.locale ?? LIBC_LOCALE}`);
  return args;
}
