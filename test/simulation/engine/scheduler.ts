import { canRunReactions, runReactions } from './reactions.ts';

/** Somebody whose events stop when it dies, and wait while it is frozen. */
export class Process {
  readonly name: string;
  /** How fast its clock runs, and where it began. */
  readonly rate: number;
  readonly base: number;
  alive = true;
  frozen = false;
  thawedAt = Number.NEGATIVE_INFINITY;
  readonly deferred: Event[] = [];

  constructor(name: string, rate = 1, base = 0) {
    this.name = name;
    this.rate = rate;
    this.base = base;
  }
}

export interface Event {
  at: number;
  order: number;
  owner: Process | null;
  run: (() => void) | null;
}

/**
 * Virtual time: events in the order of their instants, ties in the order of their making. Between two of them every
 * promise reaction is run to its end, so that asynchronous code is as deterministic as the rest.
 */
export class Scheduler {
  now = 0;
  steps = 0;
  /** Whose event is being run: timers and calls made meanwhile are its. */
  current: Process | null = null;
  #order = 0;
  readonly #heap: Event[] = [];
  #begun = false;
  #stopped = false;

  /** `delay` in milliseconds of virtual time. */
  after(delay: number, owner: Process | null, run: () => void): Event {
    const event: Event = {
      at: this.now + Math.max(delay, 0),
      order: this.#order++,
      owner,
      run,
    };
    this.#push(event);
    return event;
  }

  /** Now, as an event of `owner`, if it can run at all: what reaches it while it is frozen waits for it. */
  as(owner: Process, run: () => void): void {
    if (owner.frozen || !owner.alive) {
      this.after(0, owner, run);
      return;
    }
    this.current = owner;
    run();
  }

  cancel(event: Event): void {
    event.run = null;
  }

  freeze(process: Process): void {
    process.frozen = true;
  }

  thaw(process: Process): void {
    if (!process.frozen) return;
    process.frozen = false;
    process.thawedAt = this.now;
    for (const event of process.deferred.splice(0)) {
      event.at = this.now;
      event.order = this.#order++;
      this.#push(event);
    }
  }

  stop(): void {
    this.#stopped = true;
  }

  /** Runs until `limit` (virtual milliseconds), or `stop`. Not from within a promise reaction. */
  run(limit: number): void {
    if (!this.#begun && !canRunReactions()) throw new Error('a schedule runs within a promise reaction');
    this.#begun = true;
    // Of what was done to the world between two runs.
    runReactions();
    for (;;) {
      const event = this.#heap[0];
      if (this.#stopped || event === undefined || event.at > limit) {
        if (!this.#stopped) this.now = limit;
        this.current = null;
        return;
      }
      this.#pop();
      const { run, owner } = event;
      if (run === null) continue;
      if (owner !== null) {
        if (!owner.alive) continue;
        if (owner.frozen) {
          owner.deferred.push(event);
          continue;
        }
      }
      this.now = event.at;
      this.steps += 1;
      this.current = owner;
      event.run = null;
      run();
      runReactions();
    }
  }

  #push(event: Event): void {
    const heap = this.#heap;
    let index = heap.length;
    heap.push(event);
    while (index > 0) {
      const parent = (index - 1) >> 1;
      const other = heap[parent] as Event;
      if (other.at < event.at || (other.at === event.at && other.order < event.order)) break;
      heap[index] = other;
      index = parent;
    }
    heap[index] = event;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop() as Event;
    const length = heap.length;
    if (length === 0) return;
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= length) break;
      const right = child + 1;
      if (right < length && before(heap[right] as Event, heap[child] as Event)) child = right;
      if (before(last, heap[child] as Event)) break;
      heap[index] = heap[child] as Event;
      index = child;
    }
    heap[index] = last;
  }
}

function before(a: Event, b: Event): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}
