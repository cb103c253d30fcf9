import { abandon, connectTo, parseMultiHostUrl } from '../../e2e/connect.ts';
import { waitFor } from '../../e2e/wait-for.ts';
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
  const last = await finalReads(stage, primary, load);
  violations.push(...checkRegisters([...registers, ...last], INITIAL));
  const staleness = measureStaleness(beats, plainReads);
  violations.push(...checkStaleness(staleness, oldestReadMillis));
  return { violations, staleness };
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
