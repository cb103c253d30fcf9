import { constants } from 'node:fs';
import { copyFile, open, readdir, rm, stat } from 'node:fs/promises';
import { endianness } from 'node:os';
import { join } from 'node:path';
import { type Lsn, lsnBytes } from '../../ha/lsn.ts';
import type { InstanceDeps, InstanceOptions, ReportProgress, Upstream } from '../ports.ts';
import { underLock } from '../process/lock.ts';
import { runTool } from '../process/tool.ts';
import { NOTICES_LOSS, replicationConninfo } from '../settings/configuration-file.ts';
import { Session } from '../sql/session.ts';
import type { ControlData } from '../volume/control-file.ts';
import { makeDirectory, removeDurably, syncPath, writeDurably } from '../volume/durable.ts';
import type { VolumePaths } from '../volume/paths.ts';
import { bounded } from '../wait.ts';
import { freeBytes } from './clone.ts';

const SEGMENT = /^([0-9A-F]{8})([0-9A-F]{8})([0-9A-F]{8})$/;
const KB = 1024;
/** Behind xlp_magic, xlp_info (two bytes each) and xlp_tli (four). */
const PAGE_ADDRESS_AT = 8;
/** pg_rewind and the start after it need room of their own. */
const MARGIN_BYTES = 256 * 1024 * 1024;
const KEEP_DIVERGED = 5;
const CONNECT_BOUND_MS = 3_000;

export interface RewindContext {
  readonly options: InstanceOptions;
  readonly paths: VolumePaths;
  readonly deps: InstanceDeps;
  readonly from: Upstream;
  readonly report: ReportProgress;
  readonly signal: AbortSignal;
}

/**
 * Crash recovery in single-user mode: pg_rewind needs a directory that was shut down. Its own way of doing that
 * (`--no-ensure-shutdown` turns it off) knows nothing of settings outside PGDATA.
 */
export async function recoverSingleUser(context: RewindContext): Promise<void> {
  const { options, paths, report, signal } = context;
  report({ done: 0, total: null, detail: 'recovering from the crash in single-user mode' });
  // Standby mode is not supported by single-user servers (xlogrecovery.c).
  await removeDurably(join(paths.data, 'standby.signal'));
  await removeDurably(join(paths.data, 'recovery.signal'));
  await rm(join(paths.data, 'postmaster.pid'), { force: true });
  await runTool(
    {
      name: 'postgres --single',
      ...underLock(paths.lock, join(options.binaries.directory, 'postgres'), [
        '--single',
        '-F',
        '-D',
        paths.data,
        '-c',
        `config_file=${paths.configurationFile}`,
        '-c',
        'synchronous_standby_names=',
        '-c',
        'archive_mode=off',
        // Old segments are removed, not written over: what the archive lacks of them has a second name (`keepWal`).
        '-c',
        'wal_recycle=off',
        '-c',
        'full_page_writes=on',
        '-c',
        'wal_log_hints=on',
        'template1',
      ]),
      cwd: paths.volume,
    },
    signal,
  );
}

/** Connects to the source as pg_rewind will, and leaves again. Throws where it cannot. */
export async function requireSource(
  { replication }: InstanceOptions,
  from: Upstream,
  signal: AbortSignal,
): Promise<void> {
  const target = {
    host: from.host,
    port: from.port,
    user: replication.name,
    password: replication.password(),
  };
  const session = await Session.open(target, 'postgres', bounded(CONNECT_BOUND_MS, signal));
  session.close();
}

/** Copies the segments that the rewind discards, from the one that holds `switchLsn`, as far as there is room. */
export async function saveDivergedWal(
  context: RewindContext,
  control: ControlData,
  switchLsn: Lsn,
): Promise<void> {
  const { paths, deps } = context;
  const names = await writtenFrom(paths.wal, switchLsn, control.walSegmentBytes);
  if (names.length === 0) return;
  const stamp = new Date().toISOString().replace(/[:.]/g, '-');
  const timeline = Number.parseInt(names.at(-1)?.slice(0, 8) ?? '0', 16);
  const target = join(paths.diverged, `${stamp}-tl${timeline}`);
  await makeDirectory(target);
  for (const name of names) {
    const { size } = await stat(join(paths.wal, name));
    if ((await freeBytes(paths.volume)) < size + MARGIN_BYTES) {
      deps.logger.warn({ event: 'diverged_wal_not_saved', from: name }, 'no room to keep the diverged WAL');
      break;
    }
    // A copy (a clone of blocks where the file system can): pg_rewind writes into these files in place.
    await copyFile(join(paths.wal, name), join(target, name), constants.COPYFILE_FICLONE);
    await syncPath(join(target, name));
  }
  await syncPath(target);
  await keepNewest(paths.diverged);
  deps.logger.info(
    { event: 'diverged_wal_saved', directory: target, segments: names.length },
    'diverged WAL is kept',
  );
}

async function keepNewest(directory: string): Promise<void> {
  for (const name of (await readdir(directory)).sort().slice(0, -KEEP_DIVERGED)) {
    await rm(join(directory, name), { recursive: true, force: true });
  }
}

/**
 * The segments from the one that holds `from` on that were written, of any timeline. The control file does not tell
 * where WAL ends after a crash, or a stop in recovery; a segment that waits for its use (recycled, or preallocated)
 * tells by its first page, whose address is another (xlog_internal.h, XLogPageHeaderData: xlp_pageaddr).
 */
async function writtenFrom(wal: string, from: Lsn, segmentBytes: number): Promise<readonly string[]> {
  const perLog = 0x1_0000_0000 / segmentBytes;
  const first = Math.floor(lsnBytes(from) / segmentBytes);
  const names: string[] = [];
  for (const name of (await readdir(wal)).sort()) {
    const match = SEGMENT.exec(name);
    if (match === null) continue;
    const number = Number.parseInt(match[2] ?? '', 16) * perLog + Number.parseInt(match[3] ?? '', 16);
    if (number >= first && (await firstAddress(join(wal, name))) === BigInt(number) * BigInt(segmentBytes))
      names.push(name);
  }
  return names;
}

async function firstAddress(segment: string): Promise<bigint | null> {
  await using file = await open(segment, 'r');
  const header = Buffer.alloc(PAGE_ADDRESS_AT + 8);
  const { bytesRead } = await file.read(header, 0, header.length, 0);
  if (bytesRead < header.length) return null;
  return endianness() === 'LE'
    ? header.readBigUInt64LE(PAGE_ADDRESS_AT)
    : header.readBigUInt64BE(PAGE_ADDRESS_AT);
}

/** pg_rewind towards the upstream; afterwards the directory is a standby. */
export async function runRewind(context: RewindContext): Promise<void> {
  const { options, paths, from, report, signal } = context;
  await runTool(
    {
      name: 'pg_rewind',
      ...underLock(paths.lock, join(options.binaries.directory, 'pg_rewind'), [
        '-D',
        paths.data,
        '--source-server',
        replicationConninfo(from, options, paths, { dbname: 'postgres', ...NOTICES_LOSS }),
        '--progress',
        '--no-ensure-shutdown',
      ]),
      cwd: paths.volume,
      onErrorLine: (line) => {
        const match = /^\s*(\d+)\/(\d+) kB/.exec(line);
        if (match === null) return;
        report({
          done: Number(match[1]) * KB,
          total: Number(match[2]) * KB,
          detail: `rewinding towards ${from.identity}`,
        });
      },
    },
    signal,
  );
  await writeDurably(join(paths.data, 'standby.signal'), '');
}
