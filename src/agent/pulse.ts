import { mustShutDoor } from '../ha/isolation.ts';
import { isStuck } from '../ha/stuck.ts';
import { elapsed, type Instant, instant, millis } from '../ha/units.ts';
import type { View } from '../ha/view.ts';
import type { Context } from './context.ts';
import type { DeadlineKeeper } from './loop.ts';

/** How often, in milliseconds, it is checked that a primary was looked at. */
const EVERY = 500;

/** The longest (milliseconds) that it may take to shut the door beside a round. */
const SHUT = 3_000;

/** What the pulse needs of the loop. */
export interface Beaten {
  /** The last view; null: there was none yet. */
  readonly view: View | null;
  /** The present decision's kind, for the log. */
  readonly doing: string;
  look(): Promise<View>;
}

/**
 * While an act keeps the loop busy (a swap whose answer does not come, a write to a disk that stands still), a primary
 * is looked at all the same: the guard's deadline moves with the replies of its standbys, and nobody else sees those;
 * its door is shut when its permission ends; and where the round takes too long, nothing vouches for it any more.
 */
export class Pulse {
  readonly #context: Context;
  readonly #guard: DeadlineKeeper;
  /** When the round under way began; null: the loop rests. */
  #began: Instant | null = null;
  #isStuck = false;
  #looking = false;

  constructor(context: Context, guard: DeadlineKeeper) {
    this.#context = context;
    this.#guard = guard;
  }

  /** The loop hangs in a round: neither its deadline nor its renewals are moved on by a look. */
  get isStuck(): boolean {
    return this.#isStuck;
  }

  roundBegins(): void {
    this.#began = this.#context.clock.now();
  }

  roundEnds(): void {
    this.#began = null;
    this.#isStuck = false;
  }

  /** Rejects where a look does, which ends the agent. */
  async run(beaten: Beaten, signal: AbortSignal): Promise<void> {
    const { clock } = this.#context;
    const failures: unknown[] = [];
    while (!signal.aborted) {
      const since = clock.now();
      await clock.sleep(millis(EVERY), signal);
      if (failures.length > 0) throw failures[0];
      this.#judge(beaten, elapsed(since, clock.now()) - EVERY);
      const { view } = beaten;
      if (view === null || this.#looking || elapsed(view.now, clock.now()) < 2 * EVERY) continue;
      // Not waited for: a look may hang as well, and the round must be judged all the same.
      if (view.local.state === 'primary')
        void this.#look(beaten).catch((error: unknown) => failures.push(error));
    }
  }

  /** `late`: how much later than it meant to this turn came, in milliseconds: then it was the agent that stood still. */
  #judge({ view, doing }: Beaten, late: number): void {
    const { clock, log } = this.#context;
    if (this.#began !== null && late > EVERY) this.#began = instant(this.#began + late);
    const now = clock.now();
    const stuck = view !== null && isStuck(view, this.#began, now);
    if (stuck && !this.#isStuck) {
      log.error(
        { event: 'loop.stuck', decision: doing },
        `The loop is stuck (${doing}, ${Math.round(elapsed(this.#began, now))} ms): Postgres is killed`,
      );
    }
    this.#isStuck = stuck;
    if (!stuck) return;
    const { keeper } = this.#context.api() ?? {};
    if (keeper?.isPermitted) keeper.revoke();
    this.#guard.setDeadline(now);
  }

  async #look(beaten: Beaten): Promise<void> {
    const { clock, log, instance } = this.#context;
    this.#looking = true;
    try {
      if (!mustShutDoor(await beaten.look(), clock.now())) return;
      log.warn({ event: 'door.shut' }, 'The permission to let clients in ended while the loop was busy');
      await instance.closeDoor(AbortSignal.timeout(SHUT)).catch((error: unknown) => {
        log.warn({ event: 'door.shut.failed', err: error }, 'The door could not be shut beside the loop');
      });
    } finally {
      this.#looking = false;
    }
  }
}
