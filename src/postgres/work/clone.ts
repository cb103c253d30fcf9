import { statfs } from 'node:fs/promises';
import { join } from 'node:path';
import type { MemberIncarnation } from '../../ha/member.ts';
import { PostgresError } from '../errors.ts';
import type { InstanceOptions, ReportProgress, Upstream } from '../ports.ts';
import { underLock } from '../process/lock.ts';
import { runTool } from '../process/tool.ts';
import { NOTICES_LOSS, replicationConninfo } from '../settings/configuration-file.ts';
import { writeDurably } from '../volume/durable.ts';
import type { VolumePaths } from '../volume/paths.ts';

/** Left free on the volume beside a clone. */
const MARGIN_BYTES = 64 * 1024 * 1024;
const KB = 1024;

/** pg_basebackup into `incoming`, as a standby. It is complete and on disk when this returns. */
export async function cloneIncoming(
  from: Upstream,
  identity: MemberIncarnation | null,
  options: InstanceOptions,
  paths: VolumePaths,
  report: ReportProgress,
  signal: AbortSignal,
): Promise<void> {
  const free = await freeBytes(paths.volume);
  const tooSmall = new AbortController();
  let needed = 0;
  const onErrorLine = (line: string): void => {
    const match = /^\s*(\d+)\/(\d+) kB/.exec(line);
    if (match === null) return;
    needed = Number(match[2]) * KB;
    if (needed + MARGIN_BYTES > free) tooSmall.abort();
    report({ done: Number(match[1]) * KB, total: needed, detail: `copying from ${from.identity}` });
  };
  const arguments_ = [
    '-D',
    paths.incoming,
    '-X',
    'stream',
    '-c',
    'fast',
    '--progress',
    '-d',
    replicationConninfo(from, options, paths, {
      ...NOTICES_LOSS,
      application_name: identity === null ? 'pgwarden-clone' : `clone-${identity}`.slice(0, 63),
    }),
  ];
  report({ done: 0, total: null, detail: `waiting for a checkpoint of ${from.identity}` });
  try {
    await runTool(
      {
        name: 'pg_basebackup',
        ...underLock(paths.lock, join(options.binaries.directory, 'pg_basebackup'), arguments_),
        cwd: paths.volume,
        onErrorLine,
      },
      AbortSignal.any([signal, tooSmall.signal]),
    );
  } catch (error) {
    if (!tooSmall.signal.aborted || signal.aborted) throw error;
    throw new PostgresError(
      'VOLUME_FULL',
      `a clone of ${from.identity} needs ${needed} bytes, and ${free} are free on the volume`,
      'Enlarge the volume, or remove what is under aside/ and diverged/ on it.',
      { cause: error },
    );
  }
  await writeDurably(join(paths.incoming, 'standby.signal'), '');
}

/** Bytes that an unprivileged process may still write on the file system of `path`. */
export async function freeBytes(path: string): Promise<number> {
  const { bavail, bsize } = await statfs(path);
  return bavail * bsize;
}
