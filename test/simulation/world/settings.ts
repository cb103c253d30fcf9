import type { MemberName } from '../../../src/ha/member.ts';
import { millis } from '../../../src/ha/units.ts';
import type { HaSettings } from '../../../src/ha/view.ts';
import type { Setup } from '../schedule.ts';

/** The settings of the member with an ordinal; null: what all have in common. */
export function settingsOf(setup: Setup, names: readonly MemberName[], ordinal: number | null): HaSettings {
  return {
    expectedMembers: names,
    durability: 'required',
    acks: setup.asynchronous ? 0 : setup.acks,
    leaseDuration: millis(setup.leaseDuration),
    renewInterval: millis(Math.floor(setup.leaseDuration / 3)),
    drift: 0.01,
    stopTimeout: millis(setup.stopTimeout),
    suspectAfter: millis(setup.suspectAfter),
    recruitTimeout: millis(500),
    staleReadBound: millis(setup.staleReadBound),
    hungAfter: millis(setup.hungAfter),
    dropAfter: millis(setup.dropAfter),
    stuckAfter: millis(60_000),
    maximumLagOnFailover: 1_048_576,
    tags: {
      nofailover: ordinal !== null && ordinal === setup.nofailover,
      nosync: false,
      priority: ordinal !== null && ordinal === setup.preferred ? 1 : 0,
    },
  };
}
