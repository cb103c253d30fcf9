import { type MemberIncarnation, memberIncarnation, memberOf } from './member.ts';
import type { PeerState } from './peer.ts';
import type { View } from './view.ts';

/** Who a peer says that it is; null: it never answered, or has no data. */
export function identityOf(state: PeerState | null): MemberIncarnation | null {
  if (state === null || state.incarnation === null) return null;
  return memberIncarnation(state.member, state.incarnation);
}

/** What a peer told, when it is that incarnation that answered. */
export function stateOf(view: View, identity: MemberIncarnation): PeerState | null {
  const state = view.peers.find((peer) => peer.member === memberOf(identity))?.state ?? null;
  return identityOf(state) === identity ? state : null;
}
