import type { Decision } from '../ha/decision.ts';
import { type Instant, instant } from '../ha/units.ts';
import type { Log } from './log.ts';

/** A decision that comes again is logged again after so long, in milliseconds. */
const TELL_AGAIN = 30_000;
/** So many different lines are remembered. */
const REMEMBERED = 100;

/** One line a decision, not one a round; a member that tries the same again and again says so once in a while. */
export class DecisionLog {
  readonly #log: Log;
  #last: { readonly kind: Decision['kind']; readonly reason: string } | null = null;
  #repeats = 0;
  readonly #told = new Map<string, Instant>();

  constructor(log: Log) {
    this.#log = log;
  }

  /** What was decided last; null: nothing yet. */
  get last(): Decision['kind'] | null {
    return this.#last?.kind ?? null;
  }

  /** How often the last decision came again, at once; waits do not count. */
  get repeats(): number {
    return this.#repeats;
  }

  tell(decision: Decision, now: Instant): void {
    const before = this.#last;
    const same = before?.kind === decision.kind && before.reason === decision.reason;
    this.#repeats = same && decision.kind !== 'wait' ? this.#repeats + 1 : 0;
    if (same) return;
    const { kind, reason } = decision;
    this.#last = { kind, reason };
    if (kind === 'problem') {
      this.#log.error(
        { event: 'decision', decision: kind, code: decision.code, reason },
        `${reason}. ${decision.remedy}`,
      );
      return;
    }
    const line = `${kind}: ${reason}`;
    const isMinor = kind === 'wait' && before?.kind === 'wait';
    const level = isMinor || this.#toldLately(line, now) ? 'debug' : 'info';
    this.#log[level]({ event: 'decision', decision: kind, reason }, line);
  }

  #toldLately(line: string, now: Instant): boolean {
    const before = this.#told.get(line);
    if (before !== undefined && now - before < TELL_AGAIN) return true;
    if (this.#told.size > REMEMBERED) this.#told.clear();
    this.#told.set(line, instant(now));
    return false;
  }
}
