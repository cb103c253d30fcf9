import type { ClusterMember, MemberStatus } from '../../http/ports.ts';

/**
 * A member as another one sees it, corrected by what it says of itself: only it knows what it is at, and which of
 * its settings wait for a restart. Pure; null: it could not be asked.
 */
export function withOwnWord(member: ClusterMember, own: MemberStatus | null): ClusterMember {
  if (own === null || own.member !== member.name) return member;
  return {
    ...member,
    identity: own.identity,
    role: own.role,
    state: own.state,
    timeline: own.timeline,
    epoch: own.epoch,
    lagBytes: own.lagBytes,
    replayLag: own.replayLag,
    sync: own.sync,
    streaming: own.streamingFrom !== null && own.streamingFrom === own.primary,
    fenced: own.fenced,
    pendingRestart: own.pendingRestart.length > 0,
    tags: own.tags,
    progress: own.progress,
  };
}
