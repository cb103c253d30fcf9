import { isFenced } from '../../ha/fenced.ts';
import { compareLsn, type Lsn } from '../../ha/lsn.ts';
import { type MemberIncarnation, type MemberName, memberIncarnation, memberOf } from '../../ha/member.ts';
import type { ClusterRecord } from '../../ha/record.ts';
import { elapsed, type Instant } from '../../ha/units.ts';
import type { View } from '../../ha/view.ts';
import { isInOffice } from '../status.ts';

/** Whom to back up: a member by its name, or who plays a role. */
export type BackupSource = 'standby' | 'primary' | MemberName;

export type Choice =
  | { readonly member: MemberName; readonly role: 'standby' | 'primary' }
  | { readonly member: null; readonly why: string };

/** An answer older than this (milliseconds) says nothing about now. */
const STALE_ANSWER = 3_000;

interface Standby {
  readonly member: MemberName;
  readonly replayLsn: Lsn;
}

/**
 * Whom a backup is taken from. By default the standby that has replayed most, among those that stream from the primary
 * and (in quorum mode) whose acknowledgement counts: what they hold, no takeover drops. The primary where there is none.
 */
export function chooseMember(view: View, now: Instant, from: BackupSource): Choice {
  const record = view.record.lastValid;
  if (record === null || record.primary === null) return { member: null, why: 'there is no primary' };
  if (!isInOffice(record)) return { member: null, why: 'the epoch of the primary is not settled' };
  const primary = memberOf(record.primary);
  const standbys = fitStandbys(view, now, record);
  if (from === 'primary' || from === primary) return { member: primary, role: 'primary' };
  if (from === 'standby') {
    const [best] = standbys.sort(
      (a, b) => compareLsn(b.replayLsn, a.replayLsn) || (a.member < b.member ? -1 : 1),
    );
    return best === undefined
      ? { member: primary, role: 'primary' }
      : { member: best.member, role: 'standby' };
  }
  return standbys.some(({ member }) => member === from)
    ? { member: from, role: 'standby' }
    : { member: null, why: `${from} is no standby that streams from ${primary}` };
}

function fitStandbys(view: View, now: Instant, record: ClusterRecord): Standby[] {
  const { cohort, acks } = record.settled;
  const counts = (member: MemberName, identity: MemberIncarnation | null): boolean =>
    identity !== null && !isFenced(record.fenced, member) && (acks === 0 || cohort.includes(identity));
  const found: Standby[] = [];
  const { local } = view;
  const { server } = local;
  if (
    local.state === 'standby' &&
    server?.receiver?.streaming === true &&
    server.follows === record.primary &&
    counts(view.self, local.identity) &&
    !view.wishes.shutdown
  )
    found.push({ member: view.self, replayLsn: server.replayLsn });
  for (const { member, state, last, answeredAt } of view.peers) {
    if (last !== 'answered' || state === null || elapsed(answeredAt, now) > STALE_ANSWER) continue;
    const identity = state.incarnation === null ? null : memberIncarnation(member, state.incarnation);
    const streams = state.state === 'standby' && state.streamingFrom === record.primary && !state.ending;
    if (streams && counts(member, identity)) found.push({ member, replayLsn: state.replayLsn });
  }
  return found;
}
