import { execFile } from 'node:child_process';
import { appendFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ProgressKeeper } from '../../../../src/archive/backup/progress.ts';
import { type RunOptions, runBackup } from '../../../../src/archive/backup/run-backup.ts';
import type { WrittenBackup } from '../../../../src/archive/backup/sentinel.ts';
import type { WalArchive } from '../../../../src/archive/wal/push-file.ts';
import type { Lsn } from '../../../../src/ha/lsn.ts';
import { findBinaries } from '../../../../src/postgres/find-binaries.ts';
import { ArchivedPostgres } from '../postgres.ts';
import { LOCK } from './lock-settings.ts';

const run = promisify(execFile);

/** From this major on initdb enables them by itself (release notes of 18). */
const CHECKSUMS_BY_DEFAULT = 18;

export function optionsOf(
  server: ArchivedPostgres,
  archive: WalArchive,
  change: Partial<RunOptions> = {},
): RunOptions {
  return {
    archive,
    target: { host: server.volume, port: server.port, user: 'postgres', password: undefined },
    data: server.data,
    primary: primaryOf(server),
    member: 'pg-0',
    parallel: 2,
    rate: null,
    verifyChecksums: true,
    walWithin: 60_000,
    progress: new ProgressKeeper(() => undefined),
    onNudgeFailed: () => undefined,
    onRemoved: () => undefined,
    lock: LOCK,
    ...change,
  };
}

/** What the agent of the primary does when it is asked. */
export function primaryOf(server: ArchivedPostgres): RunOptions['primary'] {
  return {
    async switchWal({ checkpoint }) {
      await server.query('select pg_switch_wal()');
      if (checkpoint) await server.query('checkpoint');
      return await server.value<Lsn>('select pg_current_wal_insert_lsn()');
    },
  };
}

export async function take(
  server: ArchivedPostgres,
  archive: WalArchive,
  change: Partial<RunOptions> = {},
): Promise<WrittenBackup> {
  return await runBackup(optionsOf(server, archive, change), AbortSignal.timeout(120_000));
}

/** A server whose pages carry checksums. */
export async function checksummed(): Promise<ArchivedPostgres> {
  const server = await ArchivedPostgres.make();
  const { directory, major } = await findBinaries(null);
  if (major < CHECKSUMS_BY_DEFAULT)
    await run(join(directory, 'pg_checksums'), ['--enable', '--no-sync', '-D', server.data]);
  return server;
}

/** A standby of a server. */
export async function standbyOf(primary: ArchivedPostgres): Promise<ArchivedPostgres> {
  const standby = await ArchivedPostgres.make(primary);
  await appendFile(
    join(standby.data, 'postgresql.auto.conf'),
    `primary_conninfo = 'host=127.0.0.1 port=${primary.port} user=postgres'\n`,
  );
  await writeFile(join(standby.data, 'standby.signal'), '');
  await standby.start();
  return standby;
}
