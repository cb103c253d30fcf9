import { object, oneOf, orNull, text, time, whole } from './json-schema.ts';

/** What a backup is at, in this order. */
export const BACKUP_PHASES = [
  'lock',
  'clean-up',
  'checkpoint',
  'changes',
  'copy',
  'stop',
  'wait-for-wal',
  'sentinel',
] as const;

/** A backup that this member takes now. */
export interface RunningBackup {
  /** Tells this run from others of this agent. */
  readonly run: string;
  readonly phase: (typeof BACKUP_PHASES)[number];
  /** Its name in the archive; null: not yet. */
  readonly name: string | null;
  readonly startedAt: string;
  readonly copyingSince: string | null;
  readonly readBytes: number;
  readonly totalBytes: number | null;
  readonly storedBytes: number;
}

/** How the last one of this agent ended. */
export interface EndedBackup {
  readonly run: string;
  readonly outcome: 'done' | 'failed';
  readonly name: string | null;
  readonly startedAt: string;
  readonly endedAt: string;
  readonly dataBytes: number;
  readonly storedBytes: number;
  /** The backup that it holds only the changes since; null: it is whole. */
  readonly parent: string | null;
  /** Why everything was backed up although only what changed was wanted; null: it was not. */
  readonly whyWhole: string | null;
  readonly error: { readonly code: string; readonly message: string; readonly remedy: string } | null;
}

/** The newest backup of the archive, as the primary last saw it. */
export interface NewestBackup {
  readonly name: string;
  readonly startedAt: string;
  readonly finishedAt: string;
  readonly dataBytes: number | null;
  readonly storedBytes: number;
}

export interface BackupReport {
  readonly running: RunningBackup | null;
  readonly last: EndedBackup | null;
  /** Null: there is none, or this member has not looked (only the primary does). */
  readonly newest: NewestBackup | null;
  /** When the schedule is due next; null: there is none. */
  readonly nextAt: string | null;
}

const nameSchema = text('Name of the backup, e.g. base_000000010000000000000003.');

export const backupReportSchema = object({
  running: orNull(
    object({
      run: text('Tells this run from others of this agent.'),
      phase: oneOf(BACKUP_PHASES),
      name: orNull(nameSchema),
      startedAt: time(),
      copyingSince: orNull(time()),
      readBytes: whole('Bytes of files read so far.'),
      totalBytes: orNull(whole('Of about so many.')),
      storedBytes: whole('Bytes in the archive so far.'),
    }),
  ),
  last: orNull(
    object({
      run: text(),
      outcome: oneOf(['done', 'failed']),
      name: orNull(nameSchema),
      startedAt: time(),
      endedAt: time(),
      dataBytes: whole(),
      storedBytes: whole(),
      parent: orNull(nameSchema),
      whyWhole: orNull(text('Why everything was backed up although only what changed was wanted.')),
      error: orNull(object({ code: text(), message: text(), remedy: text() })),
    }),
  ),
  newest: orNull(
    object({
      name: nameSchema,
      startedAt: time(),
      finishedAt: time(),
      dataBytes: orNull(whole()),
      storedBytes: whole(),
    }),
  ),
  nextAt: orNull(time('When the schedule is due next.')),
});

/** A backup that was asked for and has begun. */
export interface BegunRun {
  readonly message: string;
  readonly member: string;
  readonly run: string;
}

export const begunRunSchema = object({
  message: text(),
  member: text('Who takes it: its GET /v1/status tells how far it is.'),
  run: text('Which run of that agent it is.'),
});
