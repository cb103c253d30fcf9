import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TimelineId, timelineId } from '../../ha/units.ts';
import { errnoOf } from '../../postgres/errors.ts';
import { historyFileName, PLACEHOLDER } from '../../postgres/volume/timeline-history.ts';
import { walName } from '../layout.ts';
import type { Reach } from './permit.ts';
import { pushFile, variantOf, type WalArchive } from './push-file.ts';
import { sha256Of } from './sha256.ts';

/**
 * Gives the archive a history under every number from 2 to that of the present timeline. A restore looks for the newest
 * timeline by asking for one number after the other, and stops at the first that is absent (timeline.c,
 * findNewestTimeLine): a number that a promotion skipped would hide everything behind it. The present history goes
 * first, then the highest number: a placeholder with no real history above it would itself be taken for the newest.
 *
 * @returns the names that were made
 */
export async function fillTimelines(
  archive: WalArchive,
  walDirectory: string,
  { timeline, forks }: Reach,
  signal: AbortSignal,
): Promise<readonly string[]> {
  if (timeline <= 1) return [];
  const file = historyFileName(timeline);
  await pushFile(archive, file, join(walDirectory, file), signal);
  const present = await readFile(join(walDirectory, file), 'utf8');
  const made: string[] = [];
  for (let number = timeline - 1; number > 1; number--) {
    const missing = timelineId(number);
    const name = walName(historyFileName(missing));
    if ((await variantOf(archive.store, archive.codec, name, signal)) !== null) continue;
    const isOnTheWay = forks.some((fork) => fork.timeline === missing);
    const text = isOnTheWay ? await historyOf(walDirectory, missing, present) : PLACEHOLDER;
    if (await createText(archive, name, text, signal)) made.push(historyFileName(missing));
  }
  return made;
}

/** That of an earlier timeline: each begins with its parent's, word for word, and an empty line (timeline.c, writeTimeLineHistory). */
async function historyOf(walDirectory: string, timeline: TimelineId, later: string): Promise<string> {
  try {
    return await readFile(join(walDirectory, historyFileName(timeline)), 'utf8');
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error;
  }
  const lines = later.split('\n');
  const left = lines.findIndex((line) => line.trim().split(/\s+/)[0] === `${timeline}`);
  return lines.slice(0, left).join('\n');
}

async function createText(
  { store, codec }: WalArchive,
  name: string,
  text: string,
  signal: AbortSignal,
): Promise<boolean> {
  const bytes = Buffer.from(text);
  const metadata = codec.metadataFor(await sha256Of(bytes));
  const content = await codec.encodeBytes(name, bytes);
  return (await store.create(codec.keyOf(name), content, { metadata, signal })) === 'created';
}
