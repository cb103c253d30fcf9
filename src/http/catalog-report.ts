import { list, number, object, oneOf, orNull, text, time, whole } from './json-schema.ts';

/** Works on the archive that take their time. `delete`: of one backup, by hand. */
export const JOB_KINDS = ['retention', 'delete', 'verify', 'drill'] as const;
export type JobKind = (typeof JOB_KINDS)[number];

/** What somebody wants done. */
export type JobRequest =
  | { readonly kind: 'retention'; readonly dryRun: boolean }
  | { readonly kind: 'delete'; readonly backup: string; readonly dryRun: boolean; readonly last: boolean }
  | {
      readonly kind: 'verify';
      readonly backup: string | null;
      readonly contents: boolean;
      readonly wal: boolean;
    }
  /** `on`: a member; null: the freshest standby. `backup`: null: the newest. */
  | { readonly kind: 'drill'; readonly backup: string | null; readonly on: string | null };

/** A job that has begun. */
export interface BegunJob {
  readonly message: string;
  readonly member: string;
  readonly id: string;
}

/** A job of this member: the one that runs, or the last one of its kind. */
export interface JobReport {
  readonly id: string;
  readonly kind: JobKind;
  readonly state: 'running' | 'done' | 'failed';
  readonly startedAt: string;
  readonly endedAt: string | null;
  /** What it is at, for people. */
  readonly detail: string;
  /** From 0 to 1; null: nobody can tell. */
  readonly fraction: number | null;
  /** Its outcome, when it is done: by its kind. */
  readonly result: unknown;
  readonly error: { readonly code: string; readonly message: string; readonly remedy: string } | null;
}

/**
 * What is known of the archive's state: `catalog` in `/v1/status`, and metrics. Null: not known; only the primary looks at
 * the archive by itself.
 */
export interface CatalogReport {
  readonly backups: number | null;
  readonly holes: number | null;
  readonly firstRecoverable: string | null;
  readonly storedBytes: number | null;
  readonly lastDrill: DrillSummary | null;
  readonly lastGoodDrill: DrillSummary | null;
  readonly retention: { readonly ok: boolean; readonly endedAt: string } | null;
  readonly verify: { readonly ok: boolean; readonly endedAt: string } | null;
}

export interface DrillSummary {
  readonly ok: boolean;
  /** Who held it. */
  readonly member: string | null;
  readonly backup: string | null;
  readonly startedAt: string;
  readonly endedAt: string;
  readonly rows: number | null;
  /** When the last transaction that came back was committed. */
  readonly lastCommitAt: string | null;
  /** What was wrong, in a sentence; null: nothing. */
  readonly failure: string | null;
}

const drillSchema = object({
  ok: { type: 'boolean', description: 'Everything was restored, and every check passed.' },
  member: orNull(text('Who held it.')),
  backup: orNull(text()),
  startedAt: time(),
  endedAt: time(),
  rows: orNull(whole('Rows that it counted.')),
  lastCommitAt: orNull(time('When the last transaction that came back was committed.')),
  failure: orNull(text('What was wrong.')),
});

const outcomeSchema = object({
  ok: { type: 'boolean', description: 'It came to its end and found nothing wrong.' },
  endedAt: time(),
});

export const catalogReportSchema = object({
  backups: orNull(whole('Backups in the archive.')),
  holes: orNull(whole('Holes in WAL on the way to the present timeline.')),
  firstRecoverable: orNull(time('The earliest time that can be restored to.')),
  storedBytes: orNull(whole('What backups and WAL take in the archive.')),
  lastDrill: orNull(drillSchema),
  lastGoodDrill: orNull(drillSchema),
  retention: orNull(outcomeSchema),
  verify: orNull(outcomeSchema),
});

export const jobReportSchema = object({
  id: text('Tells this run from others of this agent.'),
  kind: oneOf(JOB_KINDS),
  state: oneOf(['running', 'done', 'failed']),
  startedAt: time(),
  endedAt: orNull(time()),
  detail: text('What it is at.'),
  fraction: orNull(number('How far it is, from 0 to 1.')),
  result: { description: 'The outcome, when it is done: by the kind.' },
  error: orNull(object({ code: text(), message: text(), remedy: text() })),
});

export const begunJobSchema = object({
  message: text(),
  member: text('Who does it: its GET /v1/jobs tells how far it is.'),
  id: text(),
});

const reach = {
  timeline: whole(),
  from: text('LSN of the earliest target.'),
  fromTime: time(),
  until: text('LSN of the latest target.'),
  untilTime: orNull(time('The last commit.')),
  restorable: { type: 'boolean', description: 'All WAL that makes the backup consistent is there.' },
  endsInTail: { type: 'boolean', description: 'What comes last is of the live tail.' },
  hole: orNull(text('The segment that is missing where later ones are there.')),
} as const;

/** `ArchiveOverview` of src/archive/catalog. */
export const archiveOverviewSchema = object({
  archive: text(),
  systemIdentifier: orNull(text()),
  layout: oneOf(['wal-g', 'barman-cloud']),
  timeline: orNull(whole('The timeline that the cluster is on now.')),
  segments: whole('Segments of WAL.'),
  walBytes: whole('What WAL takes in the archive.'),
  backups: list(
    object({
      id: text(),
      timeline: whole(),
      startLsn: text(),
      endLsn: text(),
      startedAt: time(),
      finishedAt: time(),
      postgresVersion: whole(),
      storedBytes: whole(),
      originalBytes: orNull(whole()),
      permanent: { type: 'boolean' },
      parent: orNull(text('The backup that this one is an increment of.')),
      reach: orNull(object(reach)),
    }),
  ),
  unreadable: list(object({ id: text(), sentinelKey: text(), why: text() })),
  unfinished: list(
    object({ id: text(), folder: text(), objects: whole(), storedBytes: whole(), modifiedAt: time() }),
  ),
  intervals: list(object({ ...reach, backup: text('The oldest backup of it.'), backups: whole() })),
  holes: list(object({ timeline: whole(), first: text(), last: text(), segments: whole() })),
});
