import type { MemberIncarnation } from './member.ts';
import type { Cohort } from './record.ts';

/**
 * What a standby carries: a value that nobody satisfies. The standing rule: the setting is never empty from the
 * start of a standby's postmaster, since backends read a flag that the checkpointer sets, and a reload may reach
 * it only after the first commits of a promotion (src/backend/replication/syncrep.c, SyncRepUpdateSyncStandbysDefined).
 */
export const NOBODY = 'ANY 1 ("nobody")';

/** Half of the standbys of a cluster of so many members, rounded up. */
export function defaultAcks(members: number): number {
  return Math.ceil(Math.max(0, members - 1) / 2);
}

/** How many promises of a cohort are in every set of `acks` members' way: `n - k + 1`. */
export function promisesNeeded(cohort: Cohort): number {
  return Math.max(1, cohort.members.length - cohort.acks + 1);
}

/**
 * Whether a record that publishes one cohort claims no more than what Postgres does with another: every set of
 * acknowledgers that Postgres accepts must hold at least `published.acks` members of the published cohort.
 */
export function claimsNoMore(published: Cohort, effective: Cohort): boolean {
  const strangers = effective.members.filter((member) => !published.members.includes(member)).length;
  return Math.max(0, effective.acks - strangers) >= published.acks;
}

export function sameCohort(a: Cohort, b: Cohort): boolean {
  return (
    a.acks === b.acks &&
    a.members.length === b.members.length &&
    a.members.every((member) => b.members.includes(member))
  );
}

/** The value of `synchronous_standby_names` (documentation, section "Replication", `ANY num_sync (...)`). */
export function synchronousStandbyNames(cohort: Cohort): string {
  if (cohort.acks === 0) return '';
  const names = [...cohort.members].sort().map((member) => `"${member}"`);
  return `ANY ${cohort.acks} (${names.join(',')})`;
}

/** Reads back what `synchronousStandbyNames` wrote; null for any other text. */
export function parseSynchronousStandbyNames(text: string): Cohort | null {
  if (text === '') return { members: [], acks: 0 };
  const match = /^ANY (\d+) \((.*)\)$/.exec(text);
  if (!match || text === NOBODY) return null;
  const members = (match[2] ?? '').split(',').map((name) => name.trim().replaceAll('"', ''));
  return { members: members as MemberIncarnation[], acks: Number(match[1]) };
}

/** How many of the names are in the cohort, each counted once. */
export function countIn(cohort: readonly MemberIncarnation[], identities: Iterable<string>): number {
  const members = new Set<string>(cohort);
  let count = 0;
  for (const identity of new Set(identities)) if (members.has(identity)) count += 1;
  return count;
}
