import { type Choice, grantedOf } from './choose.ts';
import type { Decision } from './decision.ts';
import { relate, type TimelineHistory } from './history.ts';
import { stateOf } from './identity-of.ts';
import type { Lsn } from './lsn.ts';
import { memberOf } from './member.ts';
import type { PeerState } from './peer.ts';
import { elapsed } from './units.ts';
import type { Recruitment, View } from './view.ts';

/**
 * The best may not lead: what it has more is streamed from it first, by this candidate or by another that may lead. Only
 * WAL of one's own history can be streamed. Where nobody who may lead can get it, the best leads after all, until another
 * holds everything (`leaveOffice`): what a client was told outweighs a tag.
 */
export function catchUp(
  view: View,
  recruitment: Recruitment,
  choice: Extract<Choice, { kind: 'catch-up' }>,
): Decision {
  const { from } = choice;
  const best = stateOf(view, from);
  if (!recruitment.walGone && ownMayStream(view, best)) {
    if (elapsed(recruitment.startedAt, view.now) > view.settings.leaseDuration) {
      return { kind: 'abandon-recruit', reason: 'catching up took too long' };
    }
    return {
      kind: 'catch-up',
      from,
      to: choice.answer.position.lsn,
      reason: `${from} is ahead but may not lead: its WAL is streamed first`,
    };
  }
  const other = grantedOf(recruitment).find(
    ({ identity, mayLead }) =>
      mayLead && identity !== view.local.identity && mayStream(stateOf(view, identity), best),
  );
  const why = recruitment.walGone ? 'is not there any more' : 'is of a history that this member left';
  if (other !== undefined) {
    return {
      kind: 'yield',
      to: memberOf(other.identity),
      epoch: recruitment.epoch,
      reason: `the WAL of ${from}, which is ahead but may not lead, ${why}; ${other.identity} can stream it`,
    };
  }
  return {
    kind: 'yield',
    to: memberOf(from),
    epoch: recruitment.epoch,
    reason: `the WAL of ${from} ${why}, and nobody who may lead can stream it: ${from} leads in spite of its tag, until another holds everything`,
  };
}

/** A best whose history is not known is tried: the time for it is bounded. */
function ownMayStream(view: View, best: PeerState | null): boolean {
  const { server } = view.local;
  return server !== null && (best === null || isWithin(server, server.flushLsn, best));
}

function mayStream(other: PeerState | null, best: PeerState | null): boolean {
  if (other === null || best === null || other.position === null || other.ending) return false;
  return isWithin(other, other.position.lsn, best);
}

/** Everything up to `end` is in the history of the best. */
function isWithin(own: TimelineHistory, end: Lsn, best: PeerState): boolean {
  return relate({ timeline: own.timeline, forks: own.forks }, end, best).kind === 'same';
}
