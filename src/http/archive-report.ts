import type { Lsn } from '../ha/lsn.ts';
import { list, number, object, oneOf, orNull, text, time, whole } from './json-schema.ts';
import { lsnSchema } from './schemas-common.ts';

/** What keeps WAL from the archive. */
export interface ArchiveFailure {
  /** The file of WAL; null: it is the live tail. */
  readonly file: string | null;
  readonly code: string;
  readonly message: string;
  readonly remedy: string;
  readonly since: string;
}

/** How the archive stands, as the member sees it that keeps it: the primary. */
export interface ArchiveReport {
  readonly url: string;
  /** Whether the store makes an object in one step, or is looked at before; null: it was not reached yet. */
  readonly creation: 'atomic' | 'looked-up' | null;
  readonly lastArchived: { readonly file: string; readonly at: string } | null;
  readonly archived: number;
  readonly failed: number;
  /** Files that Postgres has ready and the archive has not. */
  readonly waiting: number;
  /** Null: this member keeps no tail. */
  readonly tail: { readonly position: Lsn; readonly currentAt: string } | null;
  readonly failing: readonly ArchiveFailure[];
  /** Of the volume that keeps WAL meanwhile, from 0 to 1. */
  readonly freeSpace: number | null;
}

export const archiveReportSchema = object({
  url: text(),
  creation: orNull(
    oneOf(
      ['atomic', 'looked-up'],
      'Whether the store honours If-None-Match, or is looked at before each write.',
    ),
  ),
  lastArchived: orNull(object({ file: text(), at: time() })),
  archived: whole('Files archived since the agent started.'),
  failed: whole('Tries that failed since the agent started.'),
  waiting: whole('Files that wait to be archived.'),
  tail: orNull(
    object({
      position: lsnSchema,
      currentAt: time('The loss of every volume now would cost what was written since.'),
    }),
  ),
  failing: list(
    object({ file: orNull(text()), code: text(), message: text(), remedy: text(), since: time() }),
    'What keeps WAL from the archive.',
  ),
  freeSpace: orNull(number('Share of the volume that is free, from 0 to 1.')),
});
