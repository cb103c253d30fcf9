import type { ClusterRecord } from './record.ts';
import { elapsed, type Instant, instant } from './units.ts';
import type { HaSettings, RecordView } from './view.ts';

/** A direct GET not older than this (milliseconds) precedes every decision about leadership. */
export const FRESH_LOOK = 1_000;

/**
 * Until when a holder may act on its last renewal: counted from when the successful update was *sent*, less the
 * drift of clocks, less the time to stop Postgres. The duration is the one that challengers read in the record;
 * a longer one in the settings counts from the next epoch on.
 */
export function holderDeadline(renewedAt: Instant, record: ClusterRecord, settings: HaSettings): Instant {
  const duration = Math.min(record.leaseDuration, settings.leaseDuration);
  return instant(renewedAt + duration * (1 - settings.drift) - settings.stopTimeout);
}

/**
 * Whether a challenger may treat the Lease as expired: a whole duration of its own monotonic time since it last
 * saw the record change. Times written in the record are never looked at.
 */
export function isExpired(record: ClusterRecord, view: RecordView, now: Instant): boolean {
  return view.changedAt !== null && elapsed(view.changedAt, now) >= record.leaseDuration;
}

/** Whether the Lease went without renewal for so long that a live holder would have renewed it twice. */
export function isOverdue(view: RecordView, settings: HaSettings, now: Instant): boolean {
  return view.changedAt !== null && elapsed(view.changedAt, now) >= 2 * settings.renewInterval;
}

export function isReleased(record: ClusterRecord): boolean {
  return record.holder === '';
}
