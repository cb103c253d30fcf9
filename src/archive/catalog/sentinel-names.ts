/** WAL-G's own: what makes a whole backup count, or one of its deltas. */
const WHOLE = '_backup_stop_sentinel.json';
/**
 * Of an increment as Postgres 17 and later have them. WAL-G must not take it for one of its own deltas: it would put
 * the new pg_control beside the old pages.
 */
const INCREMENT = '_pgwarden_increment.json';

/** The name of the object that makes a backup count. */
export function sentinelName(id: string, kind: 'whole' | 'increment'): string {
  return id + (kind === 'whole' ? WHOLE : INCREMENT);
}

/** The id of the backup that a sentinel, by its name without folders, makes count; null: it is none. */
export function idOfSentinel(name: string): string | null {
  const suffix = [WHOLE, INCREMENT].find((one) => name.endsWith(one));
  return suffix === undefined || name.length === suffix.length ? null : name.slice(0, -suffix.length);
}

export function isIncrementSentinel(key: string): boolean {
  return key.endsWith(INCREMENT);
}
