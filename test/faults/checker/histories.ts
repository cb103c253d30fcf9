import type { RowAttempt, Violation } from './history.ts';

/**
 * No two members acknowledge at one moment. Each history is a timeline of one member. It is wrong when
 *
 * - two members acknowledged on one timeline, or
 * - an operation was acknowledged by an older timeline although it was *sent* after a newer one had acknowledged.
 *
 * That a quorum's confirmation is delivered late is allowed (a commit that was sent before the newer history's first
 * acknowledgement, and whose answer came after it): such a commit is in the newer history, which `checkRows` looks at.
 */
export function checkHistories(attempts: readonly RowAttempt[]): readonly Violation[] {
  const acknowledged = attempts.flatMap((attempt) =>
    attempt.outcome === 'acknowledged' && attempt.by !== null ? [{ ...attempt, by: attempt.by }] : [],
  );
  const owners = new Map<number, string>();
  const first = new Map<number, number>();
  const violations: Violation[] = [];
  for (const { id, by, returned } of acknowledged) {
    const owner = owners.get(by.timeline) ?? by.member;
    owners.set(by.timeline, owner);
    if (owner !== by.member) {
      const message = `timeline ${by.timeline}: ${owner} acknowledged, and so did ${by.member} (row ${id})`;
      violations.push({ kind: 'two-acknowledged', message });
    }
    first.set(by.timeline, Math.min(first.get(by.timeline) ?? Number.POSITIVE_INFINITY, returned));
  }
  for (const { id, by, invoked } of acknowledged) {
    for (const [timeline, at] of first) {
      if (timeline <= by.timeline || at >= invoked) continue;
      violations.push({
        kind: 'two-acknowledged',
        message:
          `row ${id} was sent ${Math.round(invoked - at)} ms after timeline ${timeline} (${owners.get(timeline)}) ` +
          `had acknowledged, and was acknowledged by ${by.member} on timeline ${by.timeline}`,
      });
    }
  }
  return violations;
}
