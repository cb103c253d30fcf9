import { isLsn, type Lsn } from '../../ha/lsn.ts';
import { type TimelineId, timelineId } from '../../ha/units.ts';
import { PostgresError } from '../../postgres/errors.ts';
import { Session, type SessionTarget } from '../../postgres/sql/session.ts';
import type { ChangedFile, WalSummary } from './block-changes.ts';
import { BackupInterruptedError, PromotedError } from './errors.ts';
import type { WalRange } from './manifest.ts';

/** What a backup needs to know of the cluster. */
export interface ClusterFacts {
  /** As `server_version_num`. */
  readonly version: number;
  readonly systemIdentifier: string;
  readonly inRecovery: boolean;
  readonly dataDirectory: string;
  readonly checksums: boolean;
  readonly pageBytes: number;
  readonly segmentPages: number;
  readonly walSegmentBytes: number;
  /** Below PGDATA (Postgres 14); null: it is elsewhere, or there is none. */
  readonly statsTempDirectory: string | null;
  /** Postgres 17 and later, with summarize_wal. */
  readonly summarizesWal: boolean;
}

/** 18 for 180004. */
export function majorOf({ version }: Pick<ClusterFacts, 'version'>): number {
  return Math.floor(version / 10_000);
}

export interface StartPoint {
  readonly lsn: Lsn;
  readonly timeline: TimelineId;
}

export interface StopPoint extends StartPoint {
  /** The contents of `backup_label`. */
  readonly label: string;
  /** The contents of `tablespace_map`; empty: there are no tablespaces. */
  readonly tablespaceMap: string;
}

/** A fast checkpoint of a large cluster on a slow disk. */
const CHECKPOINT_WITHIN = 3_600_000;
const ANSWER_WITHIN = 60_000;
/** Sorting what changed in a large cluster within a week. */
const CHANGES_WITHIN = 1_800_000;
/** Each at most a file of a relation: 131,072 numbers. */
const CHANGED_AT_ONCE = 20;
/** What a person may have set for every session must not end this one, which is idle for hours. */
const OPTIONS =
  '-c statement_timeout=0 -c lock_timeout=0 -c idle_in_transaction_session_timeout=0 -c synchronous_commit=local';
const PROMOTED = /promoted during online backup/;

/**
 * The session that a backup lives in: Postgres forgets the backup when it ends (documentation, "Making a Base Backup
 * Using the Low Level API").
 */
export class BackupSession {
  readonly #session: Session;
  readonly #version: number;

  private constructor(session: Session, version: number) {
    this.#session = session;
    this.#version = version;
  }

  static async open(target: SessionTarget, signal: AbortSignal): Promise<BackupSession> {
    const bound = AbortSignal.any([signal, AbortSignal.timeout(ANSWER_WITHIN)]);
    const session = await Session.open(target, 'postgres', bound, OPTIONS);
    try {
      const [row] = await session.query<{ version: number }>(
        "select current_setting('server_version_num')::int as version",
        [],
        bound,
      );
      const version = row?.version ?? 0;
      if (version >= 140_000) await session.query('set idle_session_timeout = 0', [], bound);
      return new BackupSession(session, version);
    } catch (error) {
      session.destroy();
      throw error;
    }
  }

  async facts(signal: AbortSignal): Promise<ClusterFacts> {
    const row = await this.#row<{
      identifier: string;
      recovery: boolean;
      data: string;
      checksums: string;
      page: number;
      pages: string;
      wal: string;
      stats: string | null;
      summarizes: string | null;
    }>(
      `select system_identifier::text as identifier, pg_is_in_recovery() as recovery,
         current_setting('data_directory') as data, current_setting('data_checksums') as checksums,
         current_setting('block_size')::int as page,
         (select setting from pg_settings where name = 'segment_size') as pages,
         (select setting from pg_settings where name = 'wal_segment_size') as wal,
         current_setting('stats_temp_directory', true) as stats,
         current_setting('summarize_wal', true) as summarizes
       from pg_control_system()`,
      [],
      signal,
    );
    return {
      version: this.#version,
      systemIdentifier: row.identifier,
      inRecovery: row.recovery,
      dataDirectory: row.data,
      checksums: row.checksums === 'on',
      pageBytes: row.page,
      segmentPages: Number(row.pages),
      walSegmentBytes: Number(row.wal),
      statsTempDirectory: row.stats === null ? null : below(row.data, row.stats),
      summarizesWal: row.summarizes === 'on',
    };
  }

  /** The summaries of WAL that this server has (Postgres 17 and later). */
  async walSummaries(signal: AbortSignal): Promise<WalSummary[]> {
    return await this.#rows<WalSummary>(
      'select tli::int as timeline, start_lsn::text as start, end_lsn::text as end from pg_available_wal_summaries()',
      [],
      signal,
    );
  }

  /** What the summaries that touch a range of WAL tell of main forks, by files of relations. */
  async *changedFiles(
    { timeline, start, end }: WalRange,
    segmentPages: number,
    signal: AbortSignal,
  ): AsyncGenerator<ChangedFile> {
    await this.#rows('begin read only', [], signal);
    await this.#rows(
      `declare changed cursor for
       select reltablespace::int8 as tablespace, reldatabase::int8 as database, relfilenode::int8 as relation,
         relblocknumber / ${segmentPages} as segment,
         min(relblocknumber) filter (where is_limit_block) as limit,
         array_to_string(array_agg(distinct relblocknumber order by relblocknumber)
           filter (where not is_limit_block), ',') as blocks
       from pg_available_wal_summaries() s, pg_wal_summary_contents(s.tli, s.start_lsn, s.end_lsn)
       where s.tli = ${timeline} and s.end_lsn > '${start}' and s.start_lsn < '${end}'
         and relforknumber = 0
       group by 1, 2, 3, 4`,
      [],
      signal,
    );
    for (;;) {
      const rows = await this.#rows<
        Record<Exclude<keyof ChangedFile, 'blocks'>, string> & { blocks: string | null }
      >(`fetch ${CHANGED_AT_ONCE} from changed`, [], signal, CHANGES_WITHIN);
      for (const { blocks, limit, ...row } of rows)
        yield {
          tablespace: Number(row.tablespace),
          database: Number(row.database),
          relation: Number(row.relation),
          segment: Number(row.segment),
          limit: limit === null ? null : Number(limit),
          blocks: blocks === null || blocks === '' ? [] : blocks.split(',').map(Number),
        };
      if (rows.length < CHANGED_AT_ONCE) break;
    }
    await this.#rows('commit', [], signal);
  }

  /** Up to where a standby has replayed. */
  async replayed(signal: AbortSignal): Promise<Lsn> {
    const { lsn } = await this.#row<{ lsn: string | null }>(
      "select coalesce(pg_last_wal_replay_lsn(), '0/0')::text as lsn",
      [],
      signal,
    );
    return lsnOf(lsn);
  }

  /** Makes a checkpoint (a restartpoint on a standby) and begins the backup there. */
  async start(label: string, signal: AbortSignal): Promise<StartPoint> {
    const call = this.#version >= 150_000 ? 'pg_backup_start($1, true)' : 'pg_start_backup($1, true, false)';
    const { lsn } = await this.#row<{ lsn: string }>(
      `select ${call}::text as lsn`,
      [label],
      signal,
      CHECKPOINT_WITHIN,
    );
    const { timeline } = await this.#row<{ timeline: number }>(
      'select timeline_id as timeline from pg_control_checkpoint()',
      [],
      signal,
    );
    return { lsn: lsnOf(lsn), timeline: timelineId(timeline) };
  }

  /** Ends it, without waiting for the archive. @throws PromotedError */
  async stop(signal: AbortSignal): Promise<StopPoint> {
    const call = this.#version >= 150_000 ? 'pg_backup_stop(false)' : 'pg_stop_backup(false, false)';
    const row = await this.#row<{ lsn: string; labelfile: string; spcmapfile: string }>(
      `select lsn::text, labelfile, spcmapfile from ${call}`,
      [],
      signal,
    );
    const { timeline } = await this.#row<{ timeline: number }>(
      `select case when pg_is_in_recovery() then r.min_recovery_end_timeline else c.timeline_id end as timeline
         from pg_control_recovery() r, pg_control_checkpoint() c`,
      [],
      signal,
    );
    return {
      lsn: lsnOf(row.lsn),
      timeline: timelineId(timeline),
      label: row.labelfile,
      tablespaceMap: row.spcmapfile,
    };
  }

  /** Whether the backup still can be ended: the session is there, and Postgres is what it was. */
  async check(startedInRecovery: boolean, signal: AbortSignal): Promise<void> {
    const { recovery } = await this.#row<{ recovery: boolean }>(
      'select pg_is_in_recovery() as recovery',
      [],
      signal,
    );
    if (recovery !== startedInRecovery) throw new PromotedError();
  }

  close(): void {
    this.#session.close();
  }

  async #row<Row extends object>(
    text: string,
    values: readonly unknown[],
    signal: AbortSignal,
    within = ANSWER_WITHIN,
  ): Promise<Row> {
    const [row] = await this.#rows<Row>(text, values, signal, within);
    if (row === undefined) throw new BackupInterruptedError('it answered with nothing');
    return row;
  }

  async #rows<Row extends object>(
    text: string,
    values: readonly unknown[],
    signal: AbortSignal,
    within = ANSWER_WITHIN,
  ): Promise<Row[]> {
    const bound = AbortSignal.any([signal, AbortSignal.timeout(within)]);
    try {
      return await this.#session.query<Row>(text, values, bound);
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof PostgresError && PROMOTED.test(error.message)) throw new PromotedError();
      if (error instanceof PostgresError) throw new BackupInterruptedError(error.message, error);
      throw error;
    }
  }
}

function lsnOf(text: string | null): Lsn {
  if (text === null || !isLsn(text)) throw new BackupInterruptedError(`"${text}" is no position in WAL`);
  return text;
}

function below(data: string, path: string): string | null {
  if (!path.startsWith('/')) return path;
  return path.startsWith(`${data}/`) ? path.slice(data.length + 1) : null;
}
