import { isDeadIncarnation, isLive } from './cohort.ts';
import { isFenced } from './fenced.ts';
import { stateOf } from './identity-of.ts';
import { isReleased } from './lease.ts';
import { compareLsn, type Lsn } from './lsn.ts';
import { type MemberIncarnation, type MemberName, memberIncarnation } from './member.ts';
import type { ClusterRecord } from './record.ts';
import { elapsed } from './units.ts';
import type { View } from './view.ts';

/** How long a target has to swap before the old primary takes the Lease back, and a person's request may wait. */
export const TAKE_BACK_AFTER = 3_000;

/** For how long (milliseconds) after the last change of the record a planned end keeps others from recruiting. */
export function endingStands(record: ClusterRecord): number {
  return isReleased(record) ? 2 * TAKE_BACK_AFTER : record.leaseDuration;
}

export type TargetChoice =
  | { readonly kind: 'target'; readonly target: MemberIncarnation }
  | { readonly kind: 'none'; readonly reason: string };

/** Who can take over in a planned end: streams, may lead, is not itself ending; the furthest first. */
export function chooseTarget(view: View, record: ClusterRecord, wanted: MemberName | null): TargetChoice {
  const senders = view.local.server?.walsenders ?? [];
  const refusals: string[] = [];
  const candidates = view.members.flatMap((member) => {
    if (member.member === view.self || (wanted !== null && member.member !== wanted)) return [];
    const refuse = (why: string) => {
      refusals.push(`${member.member} ${why}`);
      return [];
    };
    if (member.incarnation === null) return refuse('has no data');
    const identity = memberIncarnation(member.member, member.incarnation);
    const sender = senders.find((walsender) => walsender.identity === identity);
    if (sender === undefined) return refuse('does not stream');
    if (isDeadIncarnation(view, identity) || !isLive(view, identity)) return refuse('does not reply');
    if (member.tags.nofailover) return refuse('is tagged nofailover');
    if (isFenced(record.fenced, member.member)) return refuse('is fenced');
    const peer = view.peers.find((other) => other.member === member.member);
    if (peer?.state?.ending === true) return refuse('is itself ending');
    if (
      peer === undefined ||
      peer.last !== 'answered' ||
      elapsed(peer.answeredAt, view.now) > 2 * view.settings.suspectAfter
    ) {
      return refuse('does not answer');
    }
    return [{ identity, flushLsn: sender.flushLsn, priority: member.tags.priority }];
  });
  candidates.sort(
    (a, b) =>
      b.priority - a.priority || compareLsn(b.flushLsn, a.flushLsn) || (a.identity < b.identity ? -1 : 1),
  );
  const best = candidates[0];
  if (best !== undefined) return { kind: 'target', target: best.identity };
  if (refusals.length > 0) return { kind: 'none', reason: refusals.join(', ') };
  return { kind: 'none', reason: wanted === null ? 'there is no standby' : `${wanted} is not a member` };
}

/** Whether the target has flushed the shutdown checkpoint of this (stopped) primary, on its timeline. */
export function targetHasAll(
  view: View,
  record: ClusterRecord,
  target: MemberIncarnation,
  shutdownEnd: Lsn,
): boolean {
  const state = stateOf(view, target);
  return (
    state !== null &&
    state.timeline === record.timeline &&
    state.position !== null &&
    compareLsn(state.position.lsn, shutdownEnd) >= 0
  );
}
