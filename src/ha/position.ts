import { compareLsn } from './lsn.ts';
import { type MemberName, memberOf } from './member.ts';
import type { Position } from './peer.ts';
import type { HistoryEntry } from './record.ts';

/** Who may lead, and how well: what candidates are compared by. */
export interface Standing {
  readonly member: MemberName;
  readonly position: Position;
  readonly priority: number;
  /** The last epoch that it led, as far as the record's history goes back; 0: none. */
  readonly lastLed: number;
}

/** Epoch first, then the flushed LSN; never by LSN alone: a longer history of an older epoch is worth less. */
export function comparePositions(a: Position, b: Position): number {
  return a.epoch - b.epoch || compareLsn(a.lsn, b.lsn);
}

/**
 * Negative where `a` leads before `b`: the better position, then the higher priority; then who lost the office longest
 * ago, so that a machine that failed a moment ago, and may fail again, goes last; then the last name. So the office goes
 * round from the last name to the first: clients take the hosts of a URL in order, and where the next primary stands before
 * one that is lost they find it without waiting for that one first.
 */
export function compareStandings(a: Standing, b: Standing): number {
  return (
    comparePositions(b.position, a.position) ||
    b.priority - a.priority ||
    a.lastLed - b.lastLed ||
    (a.member > b.member ? -1 : a.member < b.member ? 1 : 0)
  );
}

/** The last epoch in the history that this member, in whatever incarnation, led; 0: none. */
export function lastLed(history: readonly HistoryEntry[], member: MemberName): number {
  return history.findLast((entry) => memberOf(entry.primary) === member)?.epoch ?? 0;
}
