import { createHmac } from 'node:crypto';
import { quoteIdentifier, quoteLiteral } from '../../postgres/settings/quoting.ts';
import { matchesVerifier, scramVerifier } from '../../postgres/settings/scram.ts';
import type { Session } from '../../postgres/sql/session.ts';

/**
 * The role that the user's queries run as. No superuser, not even one that has put its rights down by SET ROLE: what a
 * query calls (a view, an operator that an application's owner made) could take them up again.
 */
export const METRICS_ROLE = 'pgwarden_metrics';

/** The same on every member, since standbys have the primary's roles. Told to nobody. */
export function metricsPassword(secret: string): string {
  return createHmac('sha256', secret).update(METRICS_ROLE).digest('base64url');
}

/**
 * Sees to it that the role exists, may log in with this password, and reads what `pg_monitor` may. Only a primary can
 * make it; on a standby false says that it has not come by replication yet.
 */
export async function ensureRole(
  session: Session,
  password: string,
  isPrimary: boolean,
  signal: AbortSignal,
): Promise<boolean> {
  const [role] = await session.query<{ stored: string | null; monitors: boolean }>(
    "select rolpassword as stored, pg_has_role(oid, 'pg_monitor', 'usage') as monitors from pg_authid where rolname = $1",
    [METRICS_ROLE],
    signal,
  );
  const isCurrent = role !== undefined && (await matchesVerifier(password, role.stored));
  if (isCurrent && role.monitors) return true;
  if (!isPrimary) return false;
  const name = quoteIdentifier(METRICS_ROLE);
  const verifier = quoteLiteral(await scramVerifier(password));
  // Not waited for: a standby that is away must not hold up metrics, and whoever takes over makes the role again.
  await session.query(
    [
      'set local synchronous_commit = local',
      role === undefined ? `create role ${name} login nosuperuser connection limit 4` : '',
      `alter role ${name} login password ${verifier}`,
      `grant pg_monitor to ${name}`,
    ]
      .filter((statement) => statement !== '')
      .join('; '),
    [],
    signal,
  );
  return true;
}
