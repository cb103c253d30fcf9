import { timelineId } from '../../../src/ha/units.ts';
import { historyFileName, parseHistory } from '../../../src/postgres/volume/timeline-history.ts';
import { abandon, connectTo, parseMultiHostUrl } from '../../e2e/connect.ts';
import { waitFor } from '../../e2e/wait-for.ts';
import { checkForks } from '../checker/archive.ts';
import { checkHistories } from '../checker/histories.ts';
import type { RegisterOperation, Violation } from '../checker/history.ts';
import { checkRegisters } from '../checker/linearizability.ts';
import { checkRows } from '../checker/rows.ts';
import { checkStaleness, measureStaleness, type Staleness } from '../checker/staleness.ts';
import type { Load } from '../load/load.ts';
import { INITIAL } from '../load/tables.ts';
import type { Stage } from '../stage/stage.ts';

const REPLAY_MILLIS = 30_000;

export interface Judged {
  readonly violations: readonly Violation[];
  readonly staleness: Staleness;
}

/**
 * Judges everything that the clients of a run saw against what is in the tables of every member now. The load must
 * have stopped, and the cluster be complete.
 */
export async function judgeRun(stage: Stage, load: Load, oldestReadMillis: number | null): Promise<Judged> {
  const { rows, registers, beats, plainReads } = load.seen;
  const primary = await stage.primary();
  const target = await query<{ lsn: string }>(stage, primary, 'SELECT pg_current_wal_insert_lsn() AS lsn');
  const violations: Violation[] = [];
  for (const name of stage.names) {
    if (name !== primary) await replayed(stage, name, target[0]?.lsn ?? '0/0');
    const found = await query<{ id: string }>(stage, name, load.tables.ids);
    violations.push(
      ...checkRows(
        rows,
        found.map(({ id }) => Number(id)),
        name,
      ),
    );
  }
  violations.push(...checkHistories(rows));
  violations.push(...(await judgeArchive(stage, primary)));
  const last = await finalReads(stage, primary, load);
  violations.push(...checkRegisters([...registers, ...last], INITIAL));
  const staleness = measureStaleness(beats, plainReads);
  violations.push(...checkStaleness(staleness, oldestReadMillis));
  return { violations, staleness };
}

/** The archive against the history that the primary has now. */
async function judgeArchive(stage: Stage, primary: string): Promise<readonly Violation[]> {
  const changed = await stage.archive.look();
  const segmentBytes = Number(
    await stage.member(primary).sql("SELECT setting FROM pg_settings WHERE name = 'wal_segment_size'"),
  );
  const present = Number.parseInt(
    await stage.member(primary).sql('SELECT substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8)'),
    16,
  );
  const file = historyFileName(timelineId(present));
  const text = present === 1 ? '' : await stage.member(primary).sql(`SELECT pg_read_file('pg_wal/${file}')`);
  return [...changed, ...checkForks(stage.archive.names, present, parseHistory(text), segmentBytes)];
}

/** What every register holds in the end: nobody writes any more, so that this is a read like any other. */
async function finalReads(stage: Stage, primary: string, load: Load): Promise<readonly RegisterOperation[]> {
  const invoked = performance.now();
  const rows = await query<{ key: number; value: string }>(stage, primary, load.tables.finalRegisters);
  const returned = performance.now();
  return rows.map(({ key, value }) => ({
    key,
    kind: 'read',
    value: Number(value),
    outcome: 'acknowledged',
    invoked,
    returned,
  }));
}

async function replayed(stage: Stage, name: string, lsn: string): Promise<void> {
  await waitFor(
    `${name} to replay what the primary wrote`,
    async () => {
      const sql = `SELECT pg_last_wal_replay_lsn() >= '${lsn}'::pg_lsn AS there`;
      return (await query<{ there: boolean }>(stage, name, sql))[0]?.there;
    },
    { timeoutMillis: REPLAY_MILLIS },
  );
}

async function query<Row extends Record<string, unknown>>(
  stage: Stage,
  name: string,
  sql: string,
): Promise<readonly Row[]> {
  const { url, members } = stage.target;
  const parsed = parseMultiHostUrl(url);
  const place = parsed.hosts[members.indexOf(name)];
  if (place === undefined) throw new TypeError(`no member ${name}`);
  const client = await connectTo(parsed, place);
  try {
    return (await client.query<Row>(sql)).rows;
  } finally {
    abandon(client);
  }
}
