import { compareLsn } from './lsn.ts';
import type { MemberName } from './member.ts';
import type { Position } from './peer.ts';

/** Who may lead, and how well: what candidates are compared by. */
export interface Standing {
  readonly member: MemberName;
  readonly position: Position;
  readonly priority: number;
}

/** Epoch first, then the flushed LSN; never by LSN alone: a longer history of an older epoch is worth less. */
export function comparePositions(a: Position, b: Position): number {
  return a.epoch - b.epoch || compareLsn(a.lsn, b.lsn);
}

/** Negative where `a` leads before `b`: the better position, then the higher priority, then the name. */
export function compareStandings(a: Standing, b: Standing): number {
  return (
    comparePositions(b.position, a.position) ||
    b.priority - a.priority ||
    (a.member < b.member ? -1 : a.member > b.member ? 1 : 0)
  );
}
