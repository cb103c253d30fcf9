/** `safety`: an assertion. `progress`: once faults cease, a primary serves and all stream from it, and so it stays. */
export type Property = 'safety' | 'progress';

/** One run of the checker: a model with its bounds, and what must come of it. */
export interface Variant {
  readonly name: string;
  readonly model: 'takeover' | 'cohort';
  readonly property: Property;
  readonly defines: readonly string[];
  /** `holds`: searched exhaustively without a violation. `fails`: the property is violated, by a planted mistake or beyond a known limit. */
  readonly expect: 'holds' | 'fails';
  /** Part of the short set. */
  readonly short: boolean;
}

const TWO_TAKEOVERS = ['MAXE=3', 'MAXL=4'];
const ONE_TAKEOVER = ['MAXE=2', 'MAXL=4'];
const LOST_VOLUME = 'WIPES=1';
const COHORT = ['COMMITS=1', 'CHANGES=1'];
/** Besides those of the faults there are as many epochs, and as much WAL, as a calm needs. */
const CALM = ['PROGRESS', 'MAXE=2', 'MAXL=2'];

const holds = (name: string, defines: readonly string[], short = true): Variant => ({
  name,
  model: 'takeover',
  property: 'safety',
  defines,
  expect: 'holds',
  short,
});

const fails = (mistake: string, bounds: readonly string[]): Variant => ({
  name: mistake.toLowerCase().replaceAll('_', '-'),
  model: 'takeover',
  property: 'safety',
  defines: [...bounds, `BROKEN_${mistake}`],
  expect: 'fails',
  short: true,
});

const ofCohort = (variant: Variant): Variant => ({ ...variant, model: 'cohort' });
const ofProgress = (variant: Variant): Variant => ({ ...variant, property: 'progress' });

export const VARIANTS: readonly Variant[] = [
  holds('takeover', TWO_TAKEOVERS, false),
  holds('takeover-two-acks', [...TWO_TAKEOVERS, 'K=2'], false),
  holds('takeover-lost-volume', [...ONE_TAKEOVER, LOST_VOLUME]),
  holds('takeover-planned-end', [...ONE_TAKEOVER, 'ENDING']),
  ofCohort(holds('cohort', COHORT)),
  ofProgress(holds('progress', CALM)),
  ofProgress(holds('progress-two-acks', [...CALM, 'K=2'])),
  ofProgress(holds('progress-more-wal', ['PROGRESS', 'MAXE=2', 'MAXL=3'], false)),
  ofProgress(holds('progress-lost-volume', [...CALM, LOST_VOLUME], false)),
  ofProgress(holds('progress-planned-end', [...CALM, 'ENDING'], false)),
  fails('QUORUM', TWO_TAKEOVERS),
  fails('LSN_FIRST', TWO_TAKEOVERS),
  fails('COHORT_AT_SWAP', TWO_TAKEOVERS),
  fails('DOOR_BEFORE_ROW', TWO_TAKEOVERS),
  fails('PROMISE_NOT_KEPT', TWO_TAKEOVERS),
  fails('PROMISE_FORGOTTEN', TWO_TAKEOVERS),
  fails('RECEIVER_LEFT', TWO_TAKEOVERS),
  fails('WIPED_VOTES', [...ONE_TAKEOVER, LOST_VOLUME]),
  fails('EARLY_RELEASE', [...ONE_TAKEOVER, 'ENDING']),
  ofCohort(fails('ADD_POSTGRES_FIRST', COHORT)),
  ofCohort(fails('RAISE_PUBLISH_FIRST', COHORT)),
  ofCohort(fails('REMOVE_PUBLISH_FIRST', COHORT)),
  ofCohort(fails('NO_PROOF', COHORT)),
  ofProgress(fails('NEVER_BUMPS', CALM)),
  ofProgress(fails('NEVER_REGAINS', CALM)),
  ofProgress(fails('NEVER_ASKED_BACK', CALM)),
  ofProgress(fails('PROMISE_BINDS_CANDIDATE', CALM)),
  ofProgress(fails('TRIES_AGAIN_AT_ONCE', CALM)),
  ofProgress(fails('COHORT_FROZEN', [...CALM, LOST_VOLUME])),
  // No mistake but a limit: see docs/model.md.
  {
    ...ofProgress(holds('two-copies-gone', [...CALM, LOST_VOLUME, 'RETURNS_EARLY'])),
    expect: 'fails',
  },
];

/** Whether a search came out as it must: what must fail violates that very property. */
export function isRight(variant: Variant, result: { readonly violated: Property | null }): boolean {
  return result.violated === (variant.expect === 'fails' ? variant.property : null);
}
