import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { isLsn, type Lsn } from '../../ha/lsn.ts';
import { parseUtcTime, type UtcTime } from './utc-time.ts';

/** A record that a recovery target can name. */
export type WalMark =
  | {
      readonly kind: 'end-of-transaction';
      readonly lsn: Lsn;
      readonly xid: string;
      readonly time: UtcTime | null;
    }
  | { readonly kind: 'restore-point'; readonly lsn: Lsn; readonly name: string };

const RECORD = /^rmgr: (Transaction|XLOG)\s.*?\btx:\s+(\d+), lsn: ([0-9A-F]+\/[0-9A-F]+), .*?desc: (.*)$/;
const END = /^(?:COMMIT|ABORT)(?:_PREPARED)? (?:\d+: )?(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+ UTC)/;
const PREPARED = /^(?:COMMIT|ABORT)_PREPARED (\d+): /;
const POINT = /^RESTORE_POINT (.*)$/;

/** A line of pg_waldump; null: the record marks nothing. */
export function parseMark(line: string): WalMark | null {
  const [, , tx = '', lsn = '', description = ''] = RECORD.exec(line) ?? [];
  if (!isLsn(lsn)) return null;
  const point = POINT.exec(description);
  if (point !== null) return { kind: 'restore-point', lsn, name: point[1] ?? '' };
  const end = END.exec(description);
  if (end === null) return null;
  const xid = PREPARED.exec(description)?.[1] ?? tx;
  return { kind: 'end-of-transaction', lsn, xid, time: parseUtcTime(end[1] ?? '') };
}

/**
 * What marks records that begin in one segment. `directory` holds the segment, and the next one where there is one: a
 * record may go on there. pg_waldump ends with an error where WAL ends, which is no failure here.
 */
export async function* marksIn(
  binaries: string,
  directory: string,
  bounds: { readonly file: string; readonly start: Lsn; readonly end: Lsn },
  only: 'Transaction' | 'XLOG',
  signal: AbortSignal,
): AsyncGenerator<WalMark> {
  const timeline = String(Number.parseInt(bounds.file.slice(0, 8), 16));
  const child = spawn(
    join(binaries, 'pg_waldump'),
    [
      '--path',
      directory,
      '--timeline',
      timeline,
      '--start',
      bounds.start,
      '--end',
      bounds.end,
      '--rmgr',
      only,
    ],
    { cwd: '/', env: { ...process.env, LC_ALL: 'C', TZ: 'UTC' }, stdio: ['ignore', 'pipe', 'ignore'] },
  );
  const ended = once(child, 'close');
  // A program that cannot be run rejects here; it is told below.
  ended.catch(() => undefined);
  const kill = (): void => void child.kill('SIGKILL');
  signal.addEventListener('abort', kill, { once: true });
  try {
    for await (const line of createInterface({ input: child.stdout })) {
      const mark = parseMark(line);
      if (mark !== null) yield mark;
    }
    await ended;
    signal.throwIfAborted();
  } finally {
    signal.removeEventListener('abort', kill);
    kill();
  }
}
