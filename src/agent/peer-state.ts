import { epochOfTimeline } from '../ha/history.ts';
import { LSN_ZERO } from '../ha/lsn.ts';
import { type Incarnation, incarnation, type MemberIncarnation } from '../ha/member.ts';
import type { PeerState, Position } from '../ha/peer.ts';
import { asksToReturn } from '../ha/returning.ts';
import { tellsHearing } from '../ha/suspicion.ts';
import { elapsed, epoch, type Instant, timelineId } from '../ha/units.ts';
import type { View } from '../ha/view.ts';

/** A view older than this (milliseconds) vouches for nothing: the loop or Postgres hangs. */
const STALE_VIEW = 2_000;

/**
 * What this member tells its peers, by its last view. `peers`: as they answered since. That the primary's agent vouches
 * counts for `suspectAfter` from its answer, and a look that is as old would make this member forget it.
 */
export function peerState(view: View, now: Instant, peers: View['peers'] = view.peers): PeerState {
  const { local } = view;
  const { server } = local;
  const record = view.record.current?.record ?? null;
  const fresh = elapsed(view.now, now) < STALE_VIEW;
  return {
    member: view.self,
    clusterUID: local.clusterUID,
    kept: local.kept === null ? null : { id: local.kept.id, phase: local.kept.phase },
    incarnation: local.identity === null ? null : incarnationOf(local.identity),
    systemIdentifier: local.systemIdentifier,
    state: local.state,
    serving: fresh && local.state === 'primary' && server !== null && local.silentSince === null,
    open: server?.doorOpen ?? false,
    floor: local.floor,
    seen: view.record.seen,
    promise: local.promise,
    position: positionOf(view),
    timeline: server?.timeline ?? local.timeline,
    forks: server?.forks ?? local.forks,
    checkpointTimeline: server?.checkpointTimeline ?? local.control?.checkpointTimeline ?? timelineId(0),
    replayLsn: server?.replayLsn ?? LSN_ZERO,
    streamingFrom: server?.receiver?.streaming === true ? server.follows : null,
    hearsPrimary: record !== null && tellsHearing(view, record, now, peers),
    shutdownLsn: local.control?.shutdownEndLsn ?? null,
    epochOfPrimary: record?.epoch ?? epoch(0),
    asksToReturn: record !== null && asksToReturn(view, record),
    ending: view.wishes.shutdown || view.wishes.restart || view.wishes.reinitialize,
    tags: view.settings.tags,
    replayLag: server?.replayLag ?? null,
  };
}

/** `(epoch, flushed LSN)` of the WAL at hand; null where the epoch of its timeline was never learned. */
function positionOf(view: View): Position | null {
  const { local } = view;
  const lsn = local.server?.flushLsn ?? local.endOfWal;
  if (lsn === LSN_ZERO) return null;
  const of = epochOfTimeline(local.timelineEpochs, local.server?.timeline ?? local.timeline);
  return of === null ? null : { epoch: of, lsn };
}

function incarnationOf(identity: MemberIncarnation): Incarnation {
  return incarnation(identity.slice(identity.lastIndexOf('-') + 1));
}
