import { constants } from 'node:fs';
import { copyFile, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type Lsn, lsnBytes } from '../../ha/lsn.ts';
import type { InstanceDeps, InstanceOptions, ReportProgress, Upstream } from '../ports.ts';
import { underLock } from '../process/lock.ts';
import { runTool } from '../process/tool.ts';
import { replicationConninfo } from '../settings/configuration-file.ts';
import type { ControlData } from '../volume/control-file.ts';
import { makeDirectory, removeDurably, syncPath, writeDurably } from '../volume/durable.ts';
import type { VolumePaths } from '../volume/paths.ts';
import { freeBytes } from './clone.ts';

const SEGMENT = /^([0-9A-F]{8})([0-9A-F]{8})([0-9A-F]{8})$/;
const KB = 1024;
/** pg_rewind and the start after it need room of their own. */
const MARGIN_BYTES = 256 * 1024 * 1024;
const KEEP_DIVERGED = 5;

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

/** Copies the segments that the rewind discards, from the one that holds `switchLsn`, as far as there is room. */
export async function saveDivergedWal(
  context: RewindContext,
  control: ControlData,
  switchLsn: Lsn,
): Promise<void> {
  const { paths, deps } = context;
  const perLog = 0x1_0000_0000 / control.walSegmentBytes;
  const first = Math.floor(lsnBytes(switchLsn) / control.walSegmentBytes);
  const names = (await readdir(paths.wal)).sort().filter((name) => {
    const match = SEGMENT.exec(name);
    if (match === null || Number.parseInt(match[1] ?? '', 16) !== control.checkpointTimeline) return false;
    const number = Number.parseInt(match[2] ?? '', 16) * perLog + Number.parseInt(match[3] ?? '', 16);
    return number >= first && number <= Math.floor(lsnBytes(control.checkpointLsn) / control.walSegmentBytes);
  });
  if (names.length === 0) return;
  const stamp = new Date().toISOString().replace(/[:.]/g, '-');
  const target = join(paths.diverged, `${stamp}-tl${control.checkpointTimeline}`);
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
        replicationConninfo(from, options, paths, { dbname: 'postgres', connect_timeout: 5 }),
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
