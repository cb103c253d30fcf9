import type { Event, Scheduler } from './scheduler.ts';

let scheduler: Scheduler | null = null;

/** The world whose time `setTimeout` and the rest mean. */
export function useScheduler(next: Scheduler): void {
  scheduler = next;
}

/** A timer of the process whose event is being run, by its own clock. */
export function setVirtual(run: () => void, duration = 0): Event {
  if (scheduler === null) throw new Error('a timer outside of a schedule');
  const owner = scheduler.current;
  return scheduler.after(duration / (owner?.rate ?? 1), owner, run);
}

export function clearVirtual(event: Event | undefined | null): void {
  if (event && scheduler !== null) scheduler.cancel(event);
}
