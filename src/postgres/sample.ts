import { readdir, stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import type { Millis } from '../ha/units.ts';
import type { ProcessState } from './ports.ts';
import type { LocalServer } from './sql/local-server.ts';
import { type SampleRow, sampleQuery } from './sql/sample-query.ts';

/** Figures for people and metrics; null: not known (Postgres is down or hangs, or it does not apply). */
export interface InstanceSample extends SampleRow {
  /** Bytes of the files in pg_wal. */
  readonly walDirectoryBytes: number | null;
  readonly volumeFreeBytes: number | null;
  readonly volumeTotalBytes: number | null;
}

const NOTHING: SampleRow = {
  slots: null,
  connections: null,
  connectionsMax: null,
  connectionsReserved: null,
  commitsWaitingForSync: null,
  oldestSyncWait: null,
  databaseBytes: null,
  archiver: null,
  transactionIdAge: null,
  multixactIdAge: null,
  oldestTransactionAge: null,
  longTransactions: null,
  preparedTransactions: null,
  commits: null,
  rollbacks: null,
  deadlocks: null,
  conflicts: null,
  checksumFailures: null,
  checkpoints: null,
};

/** A transaction is long after this. */
export const LONG_TRANSACTION_AFTER = 300_000 as Millis;

/** Collects the figures; bounded by the signal; never rejects: what could not be learned is null. */
export async function readSample(
  server: LocalServer,
  volume: string,
  walPath: string,
  process: ProcessState,
  signal: AbortSignal,
): Promise<InstanceSample> {
  const [row, walDirectoryBytes, ready, space] = await Promise.all([
    process.state === 'running' ? readRow(server, signal) : NOTHING,
    directoryBytes(walPath),
    waitingSegments(walPath),
    statfs(volume).catch(() => null),
  ]);
  return {
    ...row,
    archiver: row.archiver === null ? null : { ...row.archiver, ready },
    walDirectoryBytes,
    volumeFreeBytes: space === null ? null : space.bavail * space.bsize,
    volumeTotalBytes: space === null ? null : space.blocks * space.bsize,
  };
}

async function readRow(server: LocalServer, signal: AbortSignal): Promise<SampleRow> {
  try {
    return await server.with(signal, async (session) => {
      const [version] = await session.query<{ major: number }>(
        "select current_setting('server_version_num')::int / 10000 as major",
        [],
        signal,
      );
      const [row] = await session.query<{ sample: SampleRow }>(
        sampleQuery(version?.major ?? 0),
        [LONG_TRANSACTION_AFTER],
        signal,
      );
      return row?.sample ?? NOTHING;
    });
  } catch {
    // A Postgres that hangs or is full of clients must not take the other figures with it; its silence is a figure of
    // the loop's own.
    return NOTHING;
  }
}

async function directoryBytes(path: string): Promise<number | null> {
  const names = await readdir(path).catch(() => null);
  if (names === null) return null;
  const sizes = await Promise.all(names.map((name) => stat(join(path, name)).catch(() => null)));
  return sizes.reduce((sum, info) => sum + (info?.isFile() ? info.size : 0), 0);
}

async function waitingSegments(walPath: string): Promise<number | null> {
  const names = await readdir(join(walPath, 'archive_status')).catch(() => null);
  return names === null ? null : names.filter((name) => name.endsWith('.ready')).length;
}
