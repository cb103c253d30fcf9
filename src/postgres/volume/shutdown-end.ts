import { join } from 'node:path';
import { type Lsn, lsnAt, lsnBytes } from '../../ha/lsn.ts';
import type { TimelineId } from '../../ha/units.ts';
import { PostgresError } from '../errors.ts';
import { runTool } from '../process/tool.ts';

const PAGE_BYTES = 8192;
/** SizeOfXLogShortPHD and SizeOfXLogLongPHD (xlog_internal.h), MAXALIGNed. */
const SHORT_HEADER_BYTES = 24;
const LONG_HEADER_BYTES = 40;
const ALIGN = 8;
/** Far more than a checkpoint record takes. */
const LONGEST_BYTES = 64 * 1024;

/**
 * Where the shutdown checkpoint record ends: what a standby has flushed when it has all of it. pg_controldata tells
 * only where it begins, so pg_waldump is asked for its length.
 */
export async function shutdownRecordEnd(
  binaries: string,
  data: string,
  at: {
    readonly checkpointLsn: Lsn;
    readonly checkpointTimeline: TimelineId;
    readonly walSegmentBytes: number;
  },
  signal: AbortSignal,
): Promise<Lsn> {
  const { stdout } = await runTool(
    {
      name: 'pg_waldump',
      file: join(binaries, 'pg_waldump'),
      arguments: [
        '-p',
        join(data, 'pg_wal'),
        '-t',
        String(at.checkpointTimeline),
        '-s',
        at.checkpointLsn,
        // The record may run over the end of its segment.
        '-e',
        lsnAt(lsnBytes(at.checkpointLsn) + LONGEST_BYTES),
        '-n',
        '1',
        segmentName(at.checkpointTimeline, at.checkpointLsn, at.walSegmentBytes),
      ],
    },
    signal,
  );
  const match = /len \(rec\/tot\):\s*\d+\/\s*(\d+),.*\blsn: ([0-9A-F]+\/[0-9A-F]+),/.exec(stdout);
  if (match === null || lsnBytes(match[2] as Lsn) !== lsnBytes(at.checkpointLsn)) {
    throw new PostgresError(
      'CONTROL_FILE_UNREADABLE',
      `pg_waldump does not show the shutdown checkpoint at ${at.checkpointLsn}`,
      'The WAL of the shutdown is missing; the member is cloned anew if it cannot follow.',
    );
  }
  return recordEnd(at.checkpointLsn, Number(match[1]), at.walSegmentBytes);
}

/**
 * The file of the segment that holds a position (xlog_internal.h, XLogFileName). Where pg_waldump is not told of one,
 * it learns the size of segments from whichever it finds first, and fails on one that Postgres made ahead: all zeros.
 */
export function segmentName(timeline: TimelineId, lsn: Lsn, walSegmentBytes: number): string {
  const number = Math.floor(lsnBytes(lsn) / walSegmentBytes);
  const perLog = 0x1_0000_0000 / walSegmentBytes;
  return [timeline, Math.floor(number / perLog), number % perLog]
    .map((part) => part.toString(16).toUpperCase().padStart(8, '0'))
    .join('');
}

/** The end of a record of `length` bytes at `start`, with the headers of the pages that it runs over. */
export function recordEnd(start: Lsn, length: number, walSegmentBytes: number): Lsn {
  let position = lsnBytes(start);
  let left = Math.ceil(length / ALIGN) * ALIGN;
  for (;;) {
    const room = PAGE_BYTES - (position % PAGE_BYTES);
    if (left <= room) return lsnAt(position + left);
    left -= room;
    position += room;
    position += position % walSegmentBytes === 0 ? LONG_HEADER_BYTES : SHORT_HEADER_BYTES;
  }
}
