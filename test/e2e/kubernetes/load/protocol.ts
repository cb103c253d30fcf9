import type { WriterOptions } from '../../writer.ts';

/** What the load in the pod is asked for, a line of JSON each. */
export type Request =
  | { readonly op: 'start'; readonly url: string; readonly options: WriterOptions }
  /** Answers with the pod's own monotonic now: what `gap` counts from. */
  | { readonly op: 'now' }
  | { readonly op: 'wait'; readonly count: number; readonly timeoutMillis: number }
  | { readonly op: 'gap'; readonly since: number }
  | { readonly op: 'stop' }
  /** Acknowledged rows that are missing at `url`. */
  | { readonly op: 'missing'; readonly url: string };

/** The answer to one request, in their order. */
export type Reply = { readonly ok: unknown } | { readonly error: string };

/** Answer to `stop`. */
export interface Told {
  readonly acknowledged: number;
  readonly stale: readonly unknown[];
  readonly errors: readonly (readonly [string, number])[];
}
