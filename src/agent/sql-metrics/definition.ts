import type { Millis } from '../../ha/units.ts';
import type { VersionRange } from './version-range.ts';

/** What a column becomes. */
export type Column =
  | { readonly kind: 'label'; readonly column: string; readonly label: string }
  | { readonly kind: 'discard'; readonly column: string }
  | {
      readonly kind: 'counter' | 'gauge' | 'duration' | 'histogram';
      readonly column: string;
      readonly metric: string;
      readonly help: string;
    }
  | {
      readonly kind: 'mapped';
      readonly column: string;
      readonly metric: string;
      readonly help: string;
      readonly values: Readonly<Record<string, number>>;
    };

/** A query whose rows become metrics. */
export interface MetricQuery {
  readonly name: string;
  readonly text: string;
  /** Run before it, on the same snapshot of a session: unless it says true, there is nothing to run. */
  readonly predicate: string | null;
  /** Only the primary runs it. */
  readonly onPrimary: boolean;
  /** How often; null: as often as the others. */
  readonly every: Millis | null;
  /** Of the server; null: any. */
  readonly versions: VersionRange | null;
  /** Names, or patterns of names (`*`, `?`, `[…]`); empty: the application's database. */
  readonly databases: readonly string[];
  readonly columns: readonly Column[];
}
