import { abandon, connectTo, parseMultiHostUrl } from '../e2e/connect.ts';
import { waitFor } from '../e2e/wait-for.ts';
import type { Load } from './load.ts';

/**
 * Rejects unless every row that was acknowledged is there on every member, and no history acknowledged anything
 * after a newer one had. The writer must have stopped. Standbys are given time to replay.
 */
export async function requireNothingLost(url: string, writer: Load): Promise<void> {
  const parsed = parseMultiHostUrl(url);
  for (const place of parsed.hosts) {
    await waitFor(`all acknowledged rows on ${place.host}:${place.port}`, async () => {
      const client = await connectTo(parsed, place);
      try {
        const missing = await writer.missingRows(client);
        if (missing.length > 0) throw new Error(`${missing.length} are missing, such as ${missing[0]}`);
        return true;
      } finally {
        abandon(client);
      }
    });
  }
  const [stale] = writer.stale;
  if (stale !== undefined) throw new Error(`two histories acknowledged: ${JSON.stringify(stale)}`);
}
