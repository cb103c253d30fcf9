import { setTimeout as sleep } from 'node:timers/promises';
import { waitFor } from '../e2e/wait-for.ts';
import { LibpqWriter } from './libpq-writer.ts';
import type { Load } from './load.ts';
import { requireNothingLost } from './nothing-lost.ts';
import type { Row } from './rows.ts';
import type { Subject } from './subject.ts';
import { say } from './table.ts';

export interface MeasureOptions {
  readonly runs: number;
  readonly connections: number;
}

export interface Measured {
  /** The longest write gap of each run, in milliseconds. */
  readonly gaps: readonly number[];
  readonly acknowledged: number;
}

/** How long a fault may keep everybody from writing before the run counts as failed. */
const OVER = 120_000;
/** Between "complete" and the next fault, plus up to as much again: no timer of the cluster is in step with the runs. */
const CALM = 1_500;

/**
 * Brings a fault about again and again under load, and takes the longest time without any acknowledged commit between
 * the fault and the complete cluster. At the end every acknowledged row must be on every member.
 */
export async function measure(subject: Subject, row: Row, options: MeasureOptions): Promise<Measured> {
  await subject.waitUntilComplete();
  const { connections } = options;
  const load = { connections, pauseMillis: 10, retryMillis: 100, table: `writes_${row.id}` };
  const writer = await new LibpqWriter(subject.url, load).start();
  const gaps: number[] = [];
  try {
    for (let run = 1; run <= options.runs; run += 1) {
      gaps.push(await once(subject, row, writer));
      say(`  ${row.title}: run ${run} of ${options.runs}: ${Math.round(gaps.at(-1) ?? 0)} ms`);
    }
  } catch (error) {
    await writer.stop();
    throw new Error(`${row.title}: ${(error as Error).message}\n${await subject.logs()}`, { cause: error });
  }
  await writer.stop();
  await requireNothingLost(subject.url, writer);
  return { gaps, acknowledged: writer.acknowledged.size };
}

async function once(subject: Subject, row: Row, writer: Load): Promise<number> {
  await sleep(CALM * (1 + Math.random()));
  // Still: a standby that comes and goes is not back.
  await subject.waitUntilComplete();
  await writer.waitForWrites(100);
  const primary = await waitFor('a primary', () => subject.primary());
  const begun = performance.now();
  const undo = await subject.fault(row.id, primary);
  try {
    await waitFor(
      'the fault to be over',
      async () => {
        if (!subject.changesPrimary(row.id)) return writer.longestGap(begun).millis > 100;
        const now = await subject.primary();
        return now !== null && now !== primary;
      },
      { timeoutMillis: OVER },
    );
    await writer.waitForWrites(200, OVER);
  } finally {
    await undo();
  }
  await subject.waitUntilComplete();
  return writer.longestGap(begun).millis;
}
