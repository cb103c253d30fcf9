import { findBinaries } from '../src/postgres/find-binaries.ts';
import { NoOtherPostgresError, otherPostgres } from './other-postgres.ts';

/** The first major that can summarize its WAL. */
const FIRST = 17;

/** Before any test: who runs them may write where it is kept, and tests of Postgres give up root. */
export async function setup(): Promise<void> {
  await find();
}

/** Has the rest of this file use a Postgres that summarizes its WAL. Null: it does; else why there is none. */
export async function useSummarizingPostgres(): Promise<string | null> {
  const found = await find();
  if ('why' in found) return found.why;
  if (found.directory !== null) process.env.PGBIN = found.directory;
  return null;
}

/** `directory` null: the one that is used anyway does it. */
async function find(): Promise<{ readonly directory: string | null } | { readonly why: string }> {
  if ((await findBinaries(null)).major >= FIRST) return { directory: null };
  try {
    return { directory: await otherPostgres(18) };
  } catch (error) {
    if (!(error instanceof NoOtherPostgresError)) throw error;
    return { why: `${error.message}. ${error.remedy}` };
  }
}
