import type { Decision } from './decision.ts';
import { chooseTarget } from './handover.ts';
import { announce } from './planned-end.ts';
import type { ClusterRecord } from './record.ts';
import { withEnding } from './transitions.ts';
import { elapsed } from './units.ts';
import type { View } from './view.ts';

/**
 * How long such a primary leads before it hands over, in lease durations: each hand-over interrupts clients, and one that
 * fails is not to be tried again at once.
 */
const TERM = 6;

/**
 * A primary that may not lead (it was tagged since, or nobody else could get the WAL that it alone held) hands over as
 * soon as somebody who may lead streams all of it.
 */
export function leaveOffice(view: View, record: ClusterRecord): Decision | null {
  if (!view.settings.tags.nofailover || record.paused || !view.record.apiReachable) return null;
  if (elapsed(view.hold.leadingSince, view.now) < TERM * record.leaseDuration) return null;
  const choice = chooseTarget(view, record, null);
  if (choice.kind === 'none') return null;
  return announce(view, {
    kind: 'announce-end',
    record: withEnding(record, { target: choice.target, cause: 'switchover' }),
    reason: `it is tagged nofailover: hands over to ${choice.target}`,
  });
}
