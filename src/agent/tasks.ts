import type { Instant } from '../ha/units.ts';
import type { Task } from '../ha/view.ts';

/** Long works of the agent. Each runs beside the loop, at most one of a kind, and is seen in the view. */
export class Tasks {
  readonly #now: () => Instant;
  readonly #onChange: () => void;
  readonly #onFailed: (task: Task, error: unknown) => void;
  readonly #entries = new Map<Task['kind'], { task: Task; abort: AbortController; done: Promise<void> }>();

  constructor(now: () => Instant, onChange: () => void, onFailed: (task: Task, error: unknown) => void) {
    this.#now = now;
    this.#onChange = onChange;
    this.#onFailed = onFailed;
  }

  list(): readonly Task[] {
    return [...this.#entries.values()].map((entry) => entry.task);
  }

  isRunning(kind: Task['kind']): boolean {
    return this.#entries.get(kind)?.task.outcome === 'running';
  }

  /** Starts a work; one of the same kind that still runs goes on, and nothing is started. */
  start(kind: Task['kind'], of: string, work: (signal: AbortSignal) => Promise<void>): void {
    if (this.isRunning(kind)) return;
    const abort = new AbortController();
    const task: Task = { kind, of, startedAt: this.#now(), outcome: 'running', error: null };
    const entry = { task, abort, done: Promise.resolve() };
    this.#entries.set(kind, entry);
    entry.done = work(abort.signal).then(
      () => {
        entry.task = { ...task, outcome: 'done' };
        this.#onChange();
      },
      (error: unknown) => {
        const message = error instanceof Error ? error.message : String(error);
        entry.task = { ...task, outcome: 'failed', error: message };
        if (!abort.signal.aborted) this.#onFailed(entry.task, error);
        this.#onChange();
      },
    );
  }

  /** Ends a work and waits until it has ended. */
  async cancel(kind: Task['kind']): Promise<void> {
    const entry = this.#entries.get(kind);
    if (entry === undefined) return;
    entry.abort.abort(new Error(`${kind} was cancelled`));
    await entry.done;
    if (this.#entries.get(kind) === entry) this.#entries.delete(kind);
  }

  async cancelAll(): Promise<void> {
    await Promise.all([...this.#entries.keys()].map((kind) => this.cancel(kind)));
  }

  /** Forgets how the last one ended. */
  forget(kind: Task['kind']): void {
    if (!this.isRunning(kind)) this.#entries.delete(kind);
  }
}
