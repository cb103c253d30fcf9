import { type Decision, wait } from './decision.ts';
import { elapsed } from './units.ts';
import type { View } from './view.ts';

/** A Postgres that does not answer: after `hungAfter` it ends itself. */
export function hung(view: View): Decision {
  const silent = elapsed(view.local.silentSince, view.now);
  const limit = view.wishes.shutdown ? view.settings.suspectAfter : view.settings.hungAfter;
  if (view.local.silentSince !== null && silent >= limit) {
    return {
      kind: 'stop',
      mode: 'fast',
      demotion: true,
      reason: `Postgres made no progress for ${Math.round(silent)} ms`,
    };
  }
  return wait('Postgres does not answer yet');
}

/** New connections (or the whole server) have made no progress for `hungAfter`. */
export function isHung(view: View): boolean {
  return (
    view.local.silentSince !== null && elapsed(view.local.silentSince, view.now) >= view.settings.hungAfter
  );
}
