import type { MemberName } from '../ha/member.ts';
import { memberOf } from '../ha/member.ts';
import { elapsed } from '../ha/units.ts';
import type { View } from '../ha/view.ts';
import { roleOf } from './status.ts';

/** A member that is silent for so long (milliseconds) is not about to say goodbye. */
const SILENT = 30_000;

/**
 * Members that were scaled away for good: the primary removes their records, and with them their slots, which would keep
 * WAL for ever, and their voice in a repair, which would wait for it. Only who is not expected any more, does not answer,
 * and was not recruited by the record: no acknowledgement rests on it.
 */
export function leftMembers(view: View): readonly MemberName[] {
  const record = view.record.current?.record;
  if (record === undefined || roleOf(view) !== 'primary') return [];
  const { settled } = record;
  // Who leads for a moment only has not asked everybody yet.
  const { leadingSince } = view.hold;
  if (settled.epoch !== record.epoch || leadingSince === null) return [];
  if (elapsed(leadingSince, view.now) < SILENT) return [];
  const needed = new Set(
    [...settled.cohort, ...(settled.primary === null ? [] : [settled.primary])].map(memberOf),
  );
  return view.members
    .map(({ member }) => member)
    .filter((member) => member !== view.self && !view.settings.expectedMembers.includes(member))
    .filter((member) => !needed.has(member) && isSilent(view, member));
}

function isSilent(view: View, member: MemberName): boolean {
  const peer = view.peers.find((other) => other.member === member);
  if (peer === undefined || peer.last === 'never') return false;
  // The address of a pod that is gone is soon another's.
  if (peer.state !== null && peer.state.member !== member) return true;
  return peer.last !== 'answered' && elapsed(peer.answeredAt, view.now) >= SILENT;
}
