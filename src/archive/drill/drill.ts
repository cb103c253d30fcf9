import { join } from 'node:path';
import { lsnBytes } from '../../ha/lsn.ts';
import { runTool } from '../../postgres/process/tool.ts';
import { unpackedBytes } from '../catalog/chain.ts';
import { requireBinariesFor } from '../restore/binaries-for.ts';
import { majorOf, planRestore } from '../restore/plan.ts';
import type { RestoreProgress } from '../restore/progress.ts';
import { restore } from '../restore/restore.ts';
import type { RestoreSource } from '../restore/source.ts';
import { parseUtcTime } from '../restore/utc-time.ts';
import { countRows, databasesOf } from './count-rows.ts';
import { DrillCancelledError, DrillTimeoutError } from './errors.ts';
import type { DrillResult } from './result.ts';
import { amcheck, type DrillCheck, runChecks } from './run-checks.ts';
import { Scratch } from './scratch.ts';
import { ScratchServer } from './scratch-server.ts';
import { requireRoom, roomFor, spaceAt, watchSpace } from './space.ts';

export interface DrillOptions {
  readonly source: RestoreSource;
  /** Who holds it; null: a person, without a cluster. */
  readonly member: string | null;
  /** What is made, filled and removed again. Its parent is there. */
  readonly directory: string;
  /** Of the volume, from 0 to 1: as much stays free, or the drill ends. */
  readonly keepFree: number;
  /** Null: looked for by the backup's major. */
  readonly binDirectory: string | null;
  /** A role that may do everything. */
  readonly user: string;
  readonly checks: readonly DrillCheck[];
  readonly amcheck: boolean;
  /** Null: the newest. */
  readonly backup: string | null;
  readonly parallel: number;
  /** Milliseconds. */
  readonly timeout: number;
  readonly report: (progress: DrillProgress) => void;
}

export type DrillProgress =
  | RestoreProgress
  | { readonly phase: 'starting' | 'checking pages' | 'counting rows' | 'running checks' | 'clearing up' };

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/**
 * Restores the newest backup for real, replays all WAL, the live tail too, starts Postgres on what came of it, and
 * checks that: pg_amcheck, every row counted, a person's own queries. Removes everything again, whatever happens.
 * The result tells what failed; it is thrown only what makes it nobody's result: cancellation.
 *
 * @throws DrillCancelledError
 */
export async function holdDrill(options: DrillOptions, signal: AbortSignal): Promise<DrillResult> {
  const result: Mutable<DrillResult> = {
    format: 1,
    ok: false,
    member: options.member,
    archive: options.source.store.name,
    startedAt: new Date().toISOString(),
    endedAt: '',
    backup: null,
    backupFinishedAt: null,
    recoveredTo: null,
    timeline: null,
    lastCommitAt: null,
    restoredBytes: null,
    times: { unpack: null, recover: null, check: null },
    manifest: null,
    amcheck: null,
    amcheckSaid: null,
    databases: [],
    rows: null,
    checks: [],
    error: null,
  };
  const failed = new AbortController();
  const late = AbortSignal.timeout(options.timeout);
  const bound = AbortSignal.any([signal, late, failed.signal]);
  try {
    await using scratch = await Scratch.make(options.directory);
    const watched = watchSpace(scratch.root, options.keepFree, bound).catch((error: unknown) =>
      failed.abort(error),
    );
    try {
      await rehearse(options, scratch, result, bound);
    } finally {
      options.report({ phase: 'clearing up' });
      failed.abort(null);
      await watched;
    }
    result.ok = result.amcheck !== 'failed' && result.checks.every(({ ok }) => ok);
  } catch (error) {
    if (signal.aborted) throw new DrillCancelledError(signal.reason);
    const cause = late.aborted
      ? new DrillTimeoutError(Math.round(options.timeout / 1000))
      : failed.signal.aborted && failed.signal.reason !== null
        ? (failed.signal.reason as unknown)
        : error;
    result.error = describe(cause);
  }
  result.endedAt = new Date().toISOString();
  return result;
}

async function rehearse(
  options: DrillOptions,
  scratch: Scratch,
  result: Mutable<DrillResult>,
  signal: AbortSignal,
): Promise<void> {
  const { source, report, keepFree } = options;
  const plan = await planRestore(
    source,
    {
      target: { kind: 'latest' },
      timeline: 'latest',
      backup: options.backup,
      binDirectory: options.binDirectory,
    },
    (detail) => report({ phase: 'planning', done: 0, total: null, rate: null, remaining: null, detail }),
    signal,
  );
  const { backup } = plan;
  result.backup = backup.id;
  result.backupFinishedAt = backup.finishedAt.toISOString();
  const binaries = await requireBinariesFor(majorOf(backup), options.binDirectory);
  // Recovery recycles its segments: of a long replay only what it writes stays.
  const wal = Math.min(
    lsnBytes(plan.until) - lsnBytes(backup.startLsn),
    plan.chain[0].originalBytes ?? backup.storedBytes,
  );
  requireRoom(
    await spaceAt(scratch.root),
    roomFor(unpackedBytes(plan.chain), backup.storedBytes, Math.max(wal, 16 * plan.segmentBytes)),
    keepFree,
  );
  const began = performance.now();
  let recovering: number | null = null;
  const restored = await restore(
    {
      source,
      plan,
      data: scratch.data,
      tablespaces: new Map(backup.tablespaces.map(({ oid }) => [oid, scratch.tablespace(oid)])),
      binaries,
      leaveReplay: null,
      parallel: options.parallel,
      report: (progress) => {
        if (progress.phase === 'recovering') recovering ??= performance.now();
        report(progress);
      },
      onFound: () => undefined,
      onWaiting: () => undefined,
      onMessage: () => undefined,
    },
    signal,
  );
  const recovered = performance.now();
  result.times = {
    ...result.times,
    unpack: Math.round((recovering ?? recovered) - began),
    recover: Math.round(recovered - (recovering ?? recovered)),
  };
  result.manifest = restored.manifest;
  result.recoveredTo = restored.recovered?.lsn ?? null;
  result.timeline = restored.recovered?.timeline ?? null;
  const last = parseUtcTime(restored.recovered?.lastTransaction ?? '');
  result.lastCommitAt = last;
  result.restoredBytes = await sizeOf(scratch, signal);
  report({ phase: 'starting' });
  await using server = await ScratchServer.start(scratch, binaries, options.user, signal);
  if (options.amcheck) {
    report({ phase: 'checking pages' });
    const { outcome, said } = await amcheck(server, binaries, signal);
    result.amcheck = outcome;
    result.amcheckSaid = said;
  } else result.amcheck = 'off';
  report({ phase: 'counting rows' });
  for (const database of await databasesOf(server, signal))
    result.databases = [...result.databases, await countRows(server, database, signal)];
  result.rows = result.databases.reduce((sum, { rows }) => sum + rows, 0);
  report({ phase: 'running checks' });
  result.checks = await runChecks(server, options.checks, signal);
  result.times = { ...result.times, check: Math.round(performance.now() - recovered) };
}

async function sizeOf(scratch: Scratch, signal: AbortSignal): Promise<number> {
  const paths = [scratch.data, join(scratch.root, 'tablespaces')];
  // A file that goes while it is looked at is no failure.
  const { stdout } = await runTool(
    {
      name: 'du',
      file: 'du',
      arguments: ['--summarize', '--block-size=1', '--total', ...paths],
      accept: [0, 1],
    },
    signal,
  );
  return Number(/^(\d+)\s+total$/m.exec(stdout)?.[1] ?? 0);
}

function describe(error: unknown): NonNullable<DrillResult['error']> {
  const { code, remedy } = (typeof error === 'object' && error !== null ? error : {}) as {
    readonly code?: unknown;
    readonly remedy?: unknown;
  };
  return {
    code: typeof code === 'string' ? code : 'INTERNAL',
    message: error instanceof Error ? error.message : String(error),
    remedy: typeof remedy === 'string' ? remedy : 'See the log of the member, and report it.',
  };
}
