import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { isLsn } from '../../ha/lsn.ts';
import type { TimelineFork } from '../../ha/peer.ts';
import { type TimelineId, timelineId } from '../../ha/units.ts';
import { errnoOf } from '../errors.ts';
import { writeDurably } from './durable.ts';

/** The first line of a placeholder: a number that was skipped, and belongs to no history. */
export const PLACEHOLDER = '# reserved by pgwarden: no history has this timeline\n';

export function historyFileName(timeline: TimelineId): string {
  return `${timeline.toString(16).toUpperCase().padStart(8, '0')}.history`;
}

/** The timeline that a file of pg_wal is the history of, or null. */
export function timelineOfHistoryFile(name: string): TimelineId | null {
  const match = /^([0-9A-F]{8})\.history$/.exec(name);
  return match?.[1] === undefined ? null : timelineId(Number.parseInt(match[1], 16));
}

/** The forks of a history file: one line a parent, `timeline switchpoint reason` (timeline.c, readTimeLineHistory). */
export function parseHistory(text: string): readonly TimelineFork[] {
  const forks: TimelineFork[] = [];
  for (const line of text.split('\n')) {
    const [timeline, switchLsn] = line.trim().split(/\s+/);
    if (timeline === undefined || timeline === '' || timeline.startsWith('#')) continue;
    if (!/^\d+$/.test(timeline) || switchLsn === undefined || !isLsn(switchLsn)) continue;
    forks.push({ timeline: timelineId(Number(timeline)), switchLsn });
  }
  return forks;
}

/** The forks that led to a timeline; null where its history file is absent (timeline 1 has none: empty). */
export async function readHistory(
  wal: string,
  timeline: TimelineId,
): Promise<readonly TimelineFork[] | null> {
  if (timeline <= 1) return [];
  try {
    return parseHistory(await readFile(join(wal, historyFileName(timeline)), 'utf8'));
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return null;
    throw error;
  }
}

/**
 * A promotion from `current` comes out above `above`: Postgres takes the number after the newest one in a row that has a
 * history file (timeline.c, findNewestTimeLine), so each number between gets a placeholder where it has none.
 */
export async function reserveTimelines(wal: string, current: TimelineId, above: TimelineId): Promise<void> {
  for (let number = current + 1; number <= above; number++) {
    const path = join(wal, historyFileName(timelineId(number)));
    if ((await stat(path).catch(() => null)) === null) await writeDurably(path, PLACEHOLDER);
  }
}
