import { setTimeout as sleep } from 'node:timers/promises';
import { getLease, type LeaseObject } from '../../e2e/leases.ts';
import { logLines } from '../../e2e/story.ts';
import type { Stage } from '../stage/stage.ts';

const LOOK_EVERY = 500;
/** What a member decides or meets that has to do with a takeover, by the words of its log. */
const TOLD = ['recruit', 'win', 'close-door', 'stop', 'guard.killed', 'guard.lost'] as const;
export type Told = (typeof TOLD)[number];

/** What was seen of the office while clients worked. Times in milliseconds. */
export interface Watched {
  /** One a look: `primary` was another than at the look before. */
  readonly changes: readonly string[];
  /** Epochs that began: takeovers, and those that the primary gave itself. */
  readonly epochs: number;
  /** The least of what was left of the primary's permission to let clients in (`leaseMargin`). */
  readonly leastMargin: number | null;
  /** The longest time for which the Lease did not change. */
  readonly longestWithoutRenewal: number;
  readonly leaseDuration: number;
  readonly told: Readonly<Record<Told, number>>;
  readonly looks: number;
}

/** Looks twice a second, until `signal` aborts, at who is primary and how near the Lease is to its end. */
export async function watchOffice(stage: Stage, signal: AbortSignal): Promise<Watched> {
  const since = new Date();
  const served = { api: stage.apiUrl };
  const first = await getLease(served);
  let last = first;
  let changedAt = performance.now();
  let longestWithoutRenewal = 0;
  let leastMargin: number | null = null;
  let primary: string | null = null;
  let looks = 0;
  const changes: string[] = [];
  while (!signal.aborted) {
    const [observations, lease] = await Promise.all([stage.observe(), getLease(served).catch(() => last)]);
    looks += 1;
    const now = performance.now();
    longestWithoutRenewal = Math.max(longestWithoutRenewal, now - changedAt);
    if (lease.metadata.resourceVersion !== last.metadata.resourceVersion) changedAt = now;
    last = lease;
    for (const { status } of observations) {
      if (status?.role !== 'primary') continue;
      if (primary !== null && primary !== status.member) changes.push(`${primary} → ${status.member}`);
      primary = status.member;
      if (status.leaseMargin !== null) leastMargin = Math.min(leastMargin ?? Infinity, status.leaseMargin);
    }
    await sleep(LOOK_EVERY, undefined, { signal }).catch(() => undefined);
  }
  return {
    changes,
    epochs: last.spec.leaseTransitions - first.spec.leaseTransitions,
    leastMargin,
    longestWithoutRenewal,
    leaseDuration: durationOf(last),
    told: await tellings(stage, since),
    looks,
  };
}

const durationOf = (lease: LeaseObject): number =>
  (lease.spec as LeaseObject['spec'] & { leaseDurationSeconds: number }).leaseDurationSeconds * 1000;

async function tellings(stage: Stage, since: Date): Promise<Record<Told, number>> {
  const counts = Object.fromEntries(TOLD.map((kind) => [kind, 0])) as Record<Told, number>;
  for (const name of stage.names) {
    for (const { event, msg } of await logLines(stage.dir, name, since)) {
      const kind = event === 'decision' ? msg.slice(0, msg.indexOf(':')) : event;
      if (kind in counts) counts[kind as Told] += 1;
    }
  }
  return counts;
}
