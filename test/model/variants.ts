/** One run of the checker: a model with its bounds, and what must come of it. */
export interface Variant {
  readonly name: string;
  readonly model: 'takeover' | 'cohort';
  readonly defines: readonly string[];
  /** `holds`: searched exhaustively without a violation. `fails`: one planted mistake, which must be found. */
  readonly expect: 'holds' | 'fails';
  /** Part of the short set. */
  readonly short: boolean;
}

const TWO_MORE_EPOCHS = ['MAXE=3', 'MAXL=3'];

const holds = (
  name: string,
  model: Variant['model'],
  defines: readonly string[],
  short: boolean,
): Variant => ({ name, model, defines, expect: 'holds', short });

const fails = (model: Variant['model'], mistake: string, bounds: readonly string[]): Variant => ({
  name: mistake.toLowerCase().replaceAll('_', '-'),
  model,
  defines: [...bounds, `BROKEN_${mistake}`],
  expect: 'fails',
  short: true,
});

export const VARIANTS: readonly Variant[] = [
  holds('takeover', 'takeover', TWO_MORE_EPOCHS, false),
  holds('takeover-two-acks', 'takeover', [...TWO_MORE_EPOCHS, 'K=2'], false),
  holds('takeover-lost-volume', 'takeover', ['MAXE=2', 'MAXL=3', 'WIPES=1'], true),
  holds('takeover-planned-end', 'takeover', ['MAXE=2', 'MAXL=3', 'ENDING'], true),
  holds('cohort', 'cohort', ['COMMITS=1', 'CHANGES=1'], true),
  ...[
    'QUORUM',
    'LSN_FIRST',
    'COHORT_AT_SWAP',
    'DOOR_BEFORE_ROW',
    'PROMISE_NOT_KEPT',
    'PROMISE_FORGOTTEN',
    'RECEIVER_LEFT',
  ].map((mistake) => fails('takeover', mistake, TWO_MORE_EPOCHS)),
  fails('takeover', 'WIPED_VOTES', [...TWO_MORE_EPOCHS, 'WIPES=1']),
  ...['ADD_POSTGRES_FIRST', 'RAISE_PUBLISH_FIRST', 'REMOVE_PUBLISH_FIRST', 'NO_PROOF'].map((mistake) =>
    fails('cohort', mistake, ['COMMITS=1', 'CHANGES=1']),
  ),
];
