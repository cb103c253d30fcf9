import { isFenced } from './fenced.ts';
import { identityOf } from './identity-of.ts';
import { type MemberIncarnation, memberIncarnation, memberOf } from './member.ts';
import {
  claimsNoMore,
  defaultAcks,
  parseSynchronousStandbyNames,
  sameCohort,
  synchronousStandbyNames,
} from './quorum.ts';
import type { ClusterRecord, Cohort } from './record.ts';
import { elapsed, type Instant } from './units.ts';
import type { View } from './view.ts';

export type CohortStep =
  | { readonly kind: 'none' }
  | { readonly kind: 'publish'; readonly cohort: Cohort; readonly why: string }
  | { readonly kind: 'set-names'; readonly cohort: Cohort; readonly why: string }
  | { readonly kind: 'prove'; readonly cohort: Cohort; readonly why: string };

/** The acknowledgements that the settings ask for. */
export function targetAcks(view: View): number {
  return view.settings.acks ?? defaultAcks(view.settings.expectedMembers.length);
}

/** An incarnation that is nobody any more: its member has another one, or is not expected any more. */
export function isDeadIncarnation(view: View, identity: MemberIncarnation): boolean {
  const member = memberOf(identity);
  if (!view.settings.expectedMembers.includes(member)) return true;
  const record = view.members.find((other) => other.member === member);
  if (record === undefined || record.incarnation === null) return false;
  return memberIncarnation(member, record.incarnation) !== identity;
}

/** It streams, replies, and may be counted on. */
export function isLive(view: View, identity: MemberIncarnation): boolean {
  const sender = view.local.server?.walsenders.find((walsender) => walsender.identity === identity);
  return sender?.streaming === true && elapsed(sender.repliedAt, view.now) < view.settings.dropAfter;
}

/**
 * Its walsender streams without a slot. Postgres counts walsenders, not names (syncrep.c): where two acknowledgements are
 * asked for, a standby that reconnects while its old walsender still lives would give both. A slot has one user at a time.
 */
function countsTwice(view: View, acks: number, identity: MemberIncarnation): boolean {
  if (acks < 2) return false;
  const senders = view.local.server?.walsenders ?? [];
  return senders.some((sender) => sender.identity === identity && sender.streaming && !sender.hasSlot);
}

/** It may be in a cohort at all. */
function isEligible(view: View, record: ClusterRecord, identity: MemberIncarnation): boolean {
  const member = view.members.find((other) => other.member === memberOf(identity));
  return (
    memberOf(identity) !== view.self &&
    !isDeadIncarnation(view, identity) &&
    !isFenced(record.fenced, memberOf(identity)) &&
    member !== undefined &&
    !member.tags.nosync
  );
}

/** Nothing is known of it but that it is expected. */
function isUnknown(view: View, record: ClusterRecord, identity: MemberIncarnation): boolean {
  const name = memberOf(identity);
  return (
    name !== view.self &&
    view.settings.expectedMembers.includes(name) &&
    !isFenced(record.fenced, name) &&
    !view.members.some((member) => member.member === name)
  );
}

/** When the member last replied; one that never did counts from when this primary began to lead. */
function lastReply(view: View, identity: MemberIncarnation): Instant | null {
  return view.hold.replies[identity] ?? view.hold.leadingSince;
}

/** The cohort that the primary should have now. */
export function wantedCohort(view: View, record: ClusterRecord): Cohort {
  const { settled } = record;
  const target = targetAcks(view);
  const streaming = (view.local.server?.walsenders ?? [])
    .map((walsender) => walsender.identity as MemberIncarnation)
    .filter((identity) => isEligible(view, record, identity) && isLive(view, identity))
    .filter((identity) => !countsTwice(view, target, identity));
  const ending = (identity: MemberIncarnation) =>
    view.peers.some((peer) => peer.member === memberOf(identity) && peer.state?.ending === true);
  const kept = settled.cohort.filter(
    (identity) =>
      // A member whose record was not seen yet is added by nobody, but it is no reason to drop it either.
      (isEligible(view, record, identity) || isUnknown(view, record, identity)) &&
      !ending(identity) &&
      !countsTwice(view, Math.max(target, settled.acks), identity) &&
      elapsed(lastReply(view, identity), view.now) < view.settings.dropAfter,
  );
  // Where a member's own record does not tell yet which of two is the dead incarnation, the old one has to go first.
  const hasAnother = (identity: MemberIncarnation) =>
    kept.some((other) => other !== identity && memberOf(other) === memberOf(identity));
  const added = streaming.filter((identity) => !ending(identity) && !hasAnother(identity));
  const members = [...new Set([...kept, ...added])];
  if (view.settings.durability === 'preferred') {
    return { members, acks: Math.min(target, members.length) };
  }
  // `required` never lowers k to what is available: only a lower target (fewer replicas, another setting) does.
  const acks = Math.min(target, Math.max(settled.acks, members.length));
  const rest = settled.cohort
    .filter((identity) => !members.includes(identity))
    .sort((a, b) => Number(isDeadIncarnation(view, a)) - Number(isDeadIncarnation(view, b)));
  for (const identity of rest) {
    if (members.length >= acks) break;
    members.push(identity);
  }
  return { members, acks };
}

/**
 * The next step from what is published and what Postgres does to what is wanted. Publishing never claims more
 * than what Postgres gives: whatever weakens a claim (more members, fewer acks) is published before Postgres
 * changes; whatever strengthens it (fewer members, more acks) is published after it is proven in effect. Members
 * that leave go first: a dead incarnation gives no promise, and must not swell the number that is needed.
 */
export function nextCohortStep(
  published: Cohort,
  namesInPostgres: string,
  provenNames: string | null,
  wanted: Cohort,
): CohortStep {
  const effective = parseSynchronousStandbyNames(namesInPostgres);
  if (effective === null || !claimsNoMore(published, effective)) {
    return { kind: 'set-names', cohort: published, why: 'Postgres gives less than what is published' };
  }
  const staying = published.members.filter((member) => wanted.members.includes(member));
  const shrunk: Cohort = { members: staying, acks: published.acks };
  const target =
    staying.length < published.members.length && staying.length >= published.acks && staying.length > 0
      ? shrunk
      : wanted;
  const weakened: Cohort = {
    members: [...new Set([...published.members, ...target.members])],
    acks: Math.min(published.acks, target.acks),
  };
  if (!sameCohort(weakened, published)) {
    return { kind: 'publish', cohort: weakened, why: 'published before Postgres counts by it' };
  }
  const names = synchronousStandbyNames(target);
  if (namesInPostgres !== names) return { kind: 'set-names', cohort: target, why: 'the cohort changes' };
  if (sameCohort(target, published)) return { kind: 'none' };
  if (provenNames !== names && target.acks > 0) {
    return { kind: 'prove', cohort: target, why: 'it must be in effect before it is published' };
  }
  return { kind: 'publish', cohort: target, why: 'in effect in Postgres' };
}

/** The cohort of a new epoch: those who promised, and as many of the known others as the acks need. */
export function firstCohort(
  view: View,
  record: ClusterRecord,
  promised: readonly MemberIncarnation[],
): Cohort {
  const self = view.local.identity;
  const target = targetAcks(view);
  const known = new Set<MemberIncarnation>([
    ...record.settled.cohort,
    ...(record.settled.primary === null ? [] : [record.settled.primary]),
  ]);
  const usable = (identity: MemberIncarnation) => identity !== self && isEligible(view, record, identity);
  const fresh = view.peers.flatMap((peer) => {
    const identity = identityOf(peer.state);
    if (identity === null || peer.last !== 'answered') return [];
    return peer.state?.state === 'standby' && known.has(identity) ? [identity] : [];
  });
  const members = [...new Set([...promised, ...fresh])].filter(usable);
  if (view.settings.durability === 'preferred') {
    return { members, acks: Math.min(target, members.length) };
  }
  const acks = Math.min(target, Math.max(record.settled.acks, members.length));
  // Better a name that cannot answer than a promise less: with `required`, writes wait instead.
  const others = [...known].filter((identity) => identity !== self).sort();
  for (const identity of [...others.filter(usable), ...others.filter((other) => !usable(other))]) {
    if (members.length >= acks) break;
    if (!members.includes(identity)) members.push(identity);
  }
  return { members, acks };
}
