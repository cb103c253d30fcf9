import type { ClusterStatus } from '../http/ports.ts';
import type { ChangeContext } from './change.ts';
import { HappenedOtherwiseError } from './errors.ts';
import { type Look, SETTLING_MILLIS } from './wait.ts';

/** What one answer of `/v1/cluster` says about a wanted change of primary. */
export type Stage =
  | { readonly kind: 'under-way'; readonly seen: string }
  /** The wish is gone from the record, and the cluster is at rest without having fulfilled it. */
  | { readonly kind: 'at-rest'; readonly seen: string }
  | { readonly kind: 'settled'; readonly primary: string };

/** Judges the cluster after a switchover or failover was asked for when `before` was seen. */
export function stageOf(before: ClusterStatus, now: ClusterStatus, target: string | null): Stage {
  const wanted = target === null ? now.primary !== before.primary : now.primary === target;
  const settled = now.primary !== null && now.settledEpoch === now.epoch;
  if (now.primary !== null && wanted && settled && now.epoch > before.epoch) {
    return { kind: 'settled', primary: now.primary };
  }
  if (now.switchover === null && now.ending === null && settled) {
    return { kind: 'at-rest', seen: `${now.primary} is primary of epoch ${now.epoch}` };
  }
  if (now.ending !== null)
    return { kind: 'under-way', seen: `${before.primary} hands over to ${now.ending.target}` };
  if (now.primary !== before.primary) {
    return {
      kind: 'under-way',
      seen: `${now.primary ?? 'nobody'} takes over in epoch ${now.epoch}, not settled yet`,
    };
  }
  return { kind: 'under-way', seen: `${before.primary ?? 'nobody'} is still primary` };
}

/**
 * Waits until the wanted member is primary, its epoch is settled, and it lets clients in. Throws
 * HappenedOtherwiseError when the cluster dropped the wish.
 */
export async function waitForPrimary(
  context: ChangeContext,
  what: string,
  before: ClusterStatus,
  target: string | null,
): Promise<{ primary: string; epoch: number }> {
  let restSince: number | null = null;
  let wishSeen = false;
  return await context.wait(what, async (signal): Promise<Look<{ primary: string; epoch: number }>> => {
    const now = await context.client.cluster(signal);
    const stage = stageOf(before, now, target);
    wishSeen ||= now.switchover !== null || now.ending !== null || now.epoch > before.epoch;
    switch (stage.kind) {
      case 'under-way':
        restSince = null;
        return { seen: stage.seen };
      case 'at-rest':
        restSince ??= performance.now();
        if (wishSeen && performance.now() - restSince > SETTLING_MILLIS) {
          throw new HappenedOtherwiseError(`${what} was given up: ${stage.seen}`);
        }
        return { seen: stage.seen };
      case 'settled': {
        const member = now.members.find(({ name }) => name === stage.primary);
        const status = member === undefined ? null : await context.client.statusOf(member, signal);
        // Where the new primary cannot be asked from here, the settled record has to do.
        if (status?.open === false) return { seen: `${stage.primary} is settled, not open yet` };
        return { done: { primary: stage.primary, epoch: now.epoch }, seen: '' };
      }
    }
  });
}
