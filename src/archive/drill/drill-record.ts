import * as z from 'zod';
import { ObjectMissingError } from '../errors.ts';
import { collect } from '../store/content.ts';
import type { ObjectStore } from '../store/ports.ts';
import type { DrillRecord, DrillResult } from './result.ts';

/** The last drill of the cluster, and the last good one. */
const KEY = 'pgwarden/drill.json';

const result = z.looseObject({
  format: z.literal(1),
  ok: z.boolean(),
  member: z.string().nullable(),
  backup: z.string().nullable(),
  startedAt: z.string(),
  endedAt: z.string(),
  lastCommitAt: z.string().nullable(),
  rows: z.number().nullable(),
  amcheck: z.string().nullable(),
  checks: z.array(z.looseObject({ name: z.string(), ok: z.boolean(), said: z.string() })),
  error: z.looseObject({ code: z.string(), message: z.string(), remedy: z.string() }).nullable(),
});
const shape = z.object({ last: result.nullable(), lastGood: result.nullable() });
const NONE: DrillRecord = { last: null, lastGood: null };

/** What is kept of drills. What cannot be read counts for nothing: the next drill writes it anew. */
export async function readDrillRecord(store: ObjectStore, signal: AbortSignal): Promise<DrillRecord> {
  try {
    const { body } = await store.get(KEY, { signal });
    const parsed = shape.safeParse(JSON.parse((await collect(body)).toString('utf8')));
    return parsed.success ? (parsed.data as unknown as DrillRecord) : NONE;
  } catch (error) {
    if (error instanceof ObjectMissingError || error instanceof SyntaxError) return NONE;
    throw error;
  }
}

/** Notes a result. */
export async function writeDrillRecord(
  store: ObjectStore,
  last: DrillResult,
  signal: AbortSignal,
): Promise<DrillRecord> {
  const before = await readDrillRecord(store, signal);
  const record: DrillRecord = { last, lastGood: last.ok ? last : before.lastGood };
  await store.put(KEY, Buffer.from(`${JSON.stringify(record, null, 2)}\n`), { signal });
  return record;
}
