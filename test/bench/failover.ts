import { cpus, loadavg } from 'node:os';
import { DemoSubject } from './demo-subject.ts';
import { obtainLibpqClient } from './libpq-writer.ts';
import { type Measured, measure } from './measure.ts';
import { whyNoNamespaces } from './namespaces.ts';
import { NetworkSubject } from './network-subject.ts';
import { type FailoverOptions, failoverOptions } from './options.ts';
import { obtainPatroni } from './patroni-packages.ts';
import { PatroniSubject } from './patroni-subject.ts';
import { ROWS, type Row, type RowId } from './rows.ts';
import { type Summary, summarize } from './statistics.ts';
import type { Subject } from './subject.ts';
import { say, table } from './table.ts';

/** One row of one cluster: measured, or why it was not. */
interface Outcome {
  readonly gaps: readonly number[];
  readonly summary: Summary | null;
  readonly acknowledged: number;
  readonly skipped: string | null;
}

type Column = ReadonlyMap<RowId, Outcome>;

const PATRONI_ROWS: readonly RowId[] = ['kill', 'postmaster', 'switchover'];

async function main(options: FailoverOptions): Promise<void> {
  const rows = ROWS.filter(({ id }) => options.only.has(id));
  await obtainLibpqClient(say);
  const own = new Map<RowId, Outcome>();
  const local = rows.filter(({ id }) => id !== 'network');
  const descriptions: string[] = [];
  await column(own, local, options, () => DemoSubject.start(options.archives), descriptions);
  const cut = rows.filter(({ id }) => id === 'network');
  const why = cut.length === 0 ? null : await whyNoNamespaces();
  if (why === null) await column(own, cut, options, () => NetworkSubject.start(), descriptions);
  else skip(own, cut, why);

  const peer = options.peer === null ? null : new Map<RowId, Outcome>();
  if (peer !== null) {
    skip(
      peer,
      rows.filter(({ id }) => !PATRONI_ROWS.includes(id)),
      'not measured with Patroni',
    );
    const programs = await obtainPatroni(say);
    const theirs = rows.filter(({ id }) => PATRONI_ROWS.includes(id));
    const theirOptions = { ...options, runs: options.peerRuns };
    await column(peer, theirs, theirOptions, () => PatroniSubject.start(programs), descriptions);
  }
  if (options.json)
    process.stdout.write(`${JSON.stringify(report(rows, own, peer, options, descriptions), null, 2)}\n`);
  else process.stdout.write(`${asTable(rows, own, peer)}\n\n${descriptions.join('\n')}\n`);
}

/** Measures the rows one after the other on one cluster. */
async function column(
  into: Map<RowId, Outcome>,
  rows: readonly Row[],
  options: FailoverOptions,
  start: () => Promise<Subject>,
  descriptions: string[],
): Promise<void> {
  if (rows.length === 0) return;
  await using subject = await start();
  if (!descriptions.includes(subject.description)) descriptions.push(subject.description);
  say(`${subject.description}: ${options.runs} runs a row, ${options.connections} connections`);
  for (const row of rows) into.set(row.id, outcome(await measure(subject, row, options)));
}

function outcome({ gaps, acknowledged }: Measured): Outcome {
  return { gaps, summary: summarize(gaps), acknowledged, skipped: null };
}

function skip(into: Map<RowId, Outcome>, rows: readonly Row[], why: string): void {
  for (const row of rows) {
    say(`skipped: ${row.title}: ${why}`);
    into.set(row.id, { gaps: [], summary: null, acknowledged: 0, skipped: why });
  }
}

const seconds = (milliseconds: number): string => `${(milliseconds / 1_000).toFixed(2)} s`;

function asTable(rows: readonly Row[], own: Column, peer: Column | null): string {
  const head = ['fault', 'goal', 'median', 'worst', 'runs', 'verdict'];
  const lines = rows.map((row) => {
    const { median, worst } = row.goal;
    const goal = `${seconds(median)} / ${seconds(worst)}`;
    const cells = [row.title, goal, ...cellsOf(own.get(row.id)), verdict(row, own.get(row.id))];
    return peer === null ? cells : [...cells, ...cellsOf(peer.get(row.id)).slice(0, 2)];
  });
  return table([peer === null ? head : [...head, 'patroni median', 'worst'], ...lines]);
}

function cellsOf(outcome: Outcome | undefined): string[] {
  const summary = outcome?.summary ?? null;
  if (summary === null) return ['skipped', '', ''];
  return [seconds(summary.median), seconds(summary.worst), String(summary.count)];
}

function verdict(row: Row, outcome: Outcome | undefined): string {
  if (outcome?.summary == null) return outcome?.skipped ?? '';
  return isMet(row, outcome) ? 'met' : 'missed';
}

function isMet({ goal }: Row, outcome: Outcome | undefined): boolean {
  const summary = outcome?.summary ?? null;
  return summary !== null && summary.median <= goal.median && summary.worst <= goal.worst;
}

function report(
  rows: readonly Row[],
  own: Column,
  peer: Column | null,
  { runs, connections }: FailoverOptions,
  descriptions: readonly string[],
): unknown {
  const result = (outcome: Outcome | undefined) => ({
    medianMillis: outcome?.summary?.median ?? null,
    worstMillis: outcome?.summary?.worst ?? null,
    gapsMillis: outcome?.gaps.map(Math.round) ?? [],
    acknowledgedRows: outcome?.acknowledged ?? 0,
    skipped: outcome?.skipped ?? null,
  });
  return {
    descriptions,
    cores: cpus().length,
    loadAverage: loadavg(),
    runs,
    connections,
    rows: rows.map((row) => ({
      fault: row.id,
      title: row.title,
      goalMillis: row.goal,
      met: isMet(row, own.get(row.id)),
      pgwarden: result(own.get(row.id)),
      ...(peer === null ? {} : { patroni: result(peer.get(row.id)) }),
    })),
  };
}

const options = failoverOptions(process.argv.slice(2));
if (options !== null) await main(options);
