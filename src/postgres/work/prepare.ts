import type { Credential, InstanceOptions } from '../ports.ts';
import { quoteIdentifier, quoteLiteral } from '../settings/quoting.ts';
import { matchesVerifier, scramVerifier } from '../settings/scram.ts';
import type { LocalServer } from '../sql/local-server.ts';
import type { Session } from '../sql/session.ts';
import { committing, EPOCH_TABLE } from './epoch-rows.ts';

/** What pg_rewind calls on its source (documentation, pg_rewind, "Notes"). */
const REWIND_FUNCTIONS = [
  'pg_ls_dir(text, boolean, boolean)',
  'pg_stat_file(text, boolean)',
  'pg_read_binary_file(text)',
  'pg_read_binary_file(text, bigint, bigint, boolean)',
];

/**
 * Roles, grants, the application database, the pgwarden schema, and the post-init SQL. Idempotent: what is there is
 * left alone, so an idle cluster writes no WAL. Its commits wait for the synchronous standbys like any other.
 * A post-init statement that fails or is cut off is run again by the next call; one that succeeded never is.
 */
export async function prepare(
  server: LocalServer,
  options: InstanceOptions,
  signal: AbortSignal,
): Promise<void> {
  const { application } = options;
  await committing(server, signal, async (session) => {
    await session.query(EPOCH_TABLE, [], signal);
    await session.query('create table if not exists pgwarden.once (step int primary key)', [], signal);
    await ensureRole(session, options.replication, 'replication', signal);
    await ensureGrants(session, options.replication.name, signal);
    await ensureRole(session, application.owner, '', signal);
    await ensureDatabase(session, application.database, application.owner.name, signal);
    await setChangedPasswords(session, options, signal);
  });
  await runPostInit(server, options, signal);
}

/** Passwords that differ from what is stored are set; of roles that exist. Only on a primary. */
export async function setChangedPasswords(
  session: Session,
  options: InstanceOptions,
  signal: AbortSignal,
): Promise<void> {
  for (const credential of [options.superuser, options.replication, options.application.owner]) {
    const [role] = await session.query<{ stored: string | null }>(
      'select rolpassword as stored from pg_authid where rolname = $1',
      [credential.name],
      signal,
    );
    if (role === undefined || (await matchesVerifier(credential.password(), role.stored))) continue;
    const verifier = await scramVerifier(credential.password());
    await session.query(
      `alter role ${quoteIdentifier(credential.name)} password ${quoteLiteral(verifier)}`,
      [],
      signal,
    );
  }
}

async function ensureRole(
  session: Session,
  credential: Credential,
  attributes: string,
  signal: AbortSignal,
): Promise<void> {
  if (await exists(session, 'pg_roles where rolname', credential.name, signal)) return;
  const verifier = await scramVerifier(credential.password());
  await session.query(
    `create role ${quoteIdentifier(credential.name)} login ${attributes} password ${quoteLiteral(verifier)}`,
    [],
    signal,
  );
}

async function ensureGrants(session: Session, role: string, signal: AbortSignal): Promise<void> {
  const missing = await session.query<{ name: string }>(
    "select name from unnest($1::text[]) as name where not has_function_privilege($2, 'pg_catalog.' || name, 'execute')",
    [REWIND_FUNCTIONS, role],
    signal,
  );
  for (const { name } of missing) {
    await session.query(
      `grant execute on function pg_catalog.${name} to ${quoteIdentifier(role)}`,
      [],
      signal,
    );
  }
}

async function ensureDatabase(
  session: Session,
  database: string,
  owner: string,
  signal: AbortSignal,
): Promise<void> {
  if (await exists(session, 'pg_database where datname', database, signal)) return;
  await session.query(
    `create database ${quoteIdentifier(database)} owner ${quoteIdentifier(owner)}`,
    [],
    signal,
  );
}

async function runPostInit(
  server: LocalServer,
  options: InstanceOptions,
  signal: AbortSignal,
): Promise<void> {
  const statements = options.initdb.postInitSql;
  if (statements.length === 0) return;
  const done = await server.query<{ step: number }>('select step from pgwarden.once', [], signal);
  for (const [step, statement] of statements.entries()) {
    if (done.some((row) => row.step === step)) continue;
    await committing(
      server,
      signal,
      (session) => session.query(statement, [], signal),
      options.application.database,
    );
    await committing(server, signal, (session) =>
      session.query('insert into pgwarden.once values ($1) on conflict do nothing', [step], signal),
    );
  }
}

async function exists(session: Session, of: string, name: string, signal: AbortSignal): Promise<boolean> {
  return (await session.query(`select from ${of} = $1`, [name], signal)).length > 0;
}
