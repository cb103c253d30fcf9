import { DEFAULT_PARAMETERS, HOT_STANDBY_SENSITIVE, type HotStandbySensitive } from './standing.ts';

/** PostgreSQL's own defaults. */
const BUILT_IN: Readonly<Record<HotStandbySensitive, number>> = {
  max_connections: 100,
  max_worker_processes: 8,
  max_wal_senders: 10,
  max_prepared_transactions: 0,
  max_locks_per_transaction: 64,
};

/**
 * What a standby must start with where the wish is below what its primary runs with (its control file tells): with
 * less, recovery stops. So raising takes effect on standbys first, lowering on the primary first: a standby follows
 * when it restarts after that.
 */
export function hotStandbyOverrides(
  wished: Readonly<Record<string, string>>,
  required: Readonly<Record<HotStandbySensitive, number>>,
): Readonly<Record<string, string>> {
  const overrides: Record<string, string> = {};
  for (const name of HOT_STANDBY_SENSITIVE) {
    if (wishOf(wished, name) < required[name]) overrides[name] = String(required[name]);
  }
  return overrides;
}

/** Whether a standby may take up these values now: none is below what its primary runs with. */
export function standbyMayApply(
  wished: Readonly<Record<string, string>>,
  required: Readonly<Record<HotStandbySensitive, number>>,
): boolean {
  return Object.keys(hotStandbyOverrides(wished, required)).length === 0;
}

function wishOf(wished: Readonly<Record<string, string>>, name: HotStandbySensitive): number {
  return Number(wished[name] ?? DEFAULT_PARAMETERS[name] ?? BUILT_IN[name]);
}
