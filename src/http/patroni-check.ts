import { lsnBytes } from '../ha/lsn.ts';
import { parseByteSize } from './byte-size.ts';
import { isRunning, patroniTags } from './patroni-terms.ts';
import type { MemberStatus } from './ports.ts';

/** A health check of Patroni's REST API. Source: Patroni 4.1 documentation, "Patroni REST API". */
export type PatroniCheck =
  | 'primary'
  | 'standby-leader'
  | 'replica'
  | 'read-only'
  | 'sync'
  | 'read-only-sync'
  | 'quorum'
  | 'read-only-quorum'
  | 'async'
  | 'health';

/** Every path of a health check. */
export const PATRONI_CHECKS: Readonly<Record<string, PatroniCheck>> = {
  '/': 'primary',
  '/primary': 'primary',
  '/read-write': 'primary',
  // Patroni says yes to /leader as soon as it holds the lock. Here a new primary takes no clients until its epoch is
  // settled, so a load balancer that asks for the leader gets the same answer as one that asks for the primary.
  '/leader': 'primary',
  // No longer in Patroni's documentation, still served by it, and found in many HAProxy configurations.
  '/master': 'primary',
  '/standby-leader': 'standby-leader',
  '/standby_leader': 'standby-leader',
  '/replica': 'replica',
  '/read-only': 'read-only',
  '/sync': 'sync',
  '/synchronous': 'sync',
  '/read-only-sync': 'read-only-sync',
  '/read-only-synchronous': 'read-only-sync',
  '/quorum': 'quorum',
  '/read-only-quorum': 'read-only-quorum',
  '/async': 'async',
  '/asynchronous': 'async',
  '/health': 'health',
};

/** A query string: fastify gives a list where a key is repeated; the first one counts. */
export type PatroniQuery = Readonly<Record<string, string | readonly string[] | undefined>>;

/** The lag that `/readiness` allows where the request does not say: Patroni's default maximum_lag_on_failover. */
const READINESS_LAG = 1024 * 1024;

/** Whether the check passes: 200, otherwise 503. */
export function passes(check: PatroniCheck, status: MemberStatus, query: PatroniQuery): boolean {
  const primary = isPrimary(status);
  const replica = (): boolean => isReplica(status, query);
  switch (check) {
    case 'primary':
      return primary; // Tags are ignored here, as in Patroni.
    case 'standby-leader':
      return false; // There are no standby clusters.
    case 'replica':
      return replica() && matchesTags(status, query);
    case 'read-only':
      return (primary || replica()) && matchesTags(status, query);
    case 'sync':
      return status.sync === 'sync' && replica() && matchesTags(status, query);
    case 'read-only-sync':
      return (primary || (status.sync === 'sync' && replica())) && matchesTags(status, query);
    case 'quorum':
      return status.sync === 'quorum' && replica() && matchesTags(status, query);
    case 'read-only-quorum':
      return (primary || (status.sync === 'quorum' && replica())) && matchesTags(status, query);
    case 'async':
      return status.sync !== 'sync' && status.sync !== 'quorum' && replica() && matchesTags(status, query);
    case 'health':
      return isRunning(status) && matchesTags(status, query);
    default:
      return check satisfies never;
  }
}

/**
 * Whether `/readiness` passes: a primary that takes clients, or a standby that streams and is not too far behind.
 * `?mode=write` counts what is received instead of what is replayed.
 */
export function isReady(status: MemberStatus, query: PatroniQuery): boolean {
  if (isPrimary(status)) return true;
  if (!isStandby(status) || status.replicationState !== 'streaming') return false;
  const replayed = status.lagBytes ?? 0;
  const unreplayed = Math.max(0, lsnBytes(status.lsn) - lsnBytes(status.replayLsn));
  const lag = first(query.mode) === 'write' ? Math.max(0, replayed - unreplayed) : replayed;
  return lag <= (parseByteSize(first(query.lag) ?? '') ?? READINESS_LAG);
}

/** The primary, with its door open: before that it takes no clients. */
function isPrimary(status: MemberStatus): boolean {
  return status.role === 'primary' && status.open;
}

function isStandby(status: MemberStatus): boolean {
  return status.role === 'standby' && status.state === 'standby';
}

function isReplica(status: MemberStatus, query: PatroniQuery): boolean {
  if (!isStandby(status)) return false;
  const wanted = first(query.replication_state);
  if (wanted !== undefined && wanted !== status.replicationState) return false;
  const allowed = parseByteSize(first(query.lag) ?? '');
  // As in Patroni, a lag that is not known is no reason to say no: otherwise every standby would leave the pool
  // whenever there is no primary to compare with.
  return allowed === null || status.lagBytes === null || status.lagBytes <= allowed;
}

/** `tag_KEY=VALUE` for each: the member must have that tag with that value. */
function matchesTags(status: MemberStatus, query: PatroniQuery): boolean {
  const tags = patroniTags(status.tags);
  return Object.entries(query)
    .filter(([key]) => key.startsWith('tag_'))
    .every(([key, value]) => {
      const tag = tags[key.slice('tag_'.length)];
      return tag !== undefined && String(tag) === first(value);
    });
}

function first(value: string | readonly string[] | undefined): string | undefined {
  return typeof value === 'object' ? value[0] : value;
}
