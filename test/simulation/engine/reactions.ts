import { setFlagsFromString } from 'node:v8';

let drain: (() => void) | null = null;

/**
 * Runs every promise reaction that is due, and those that they make, to the end: V8's own checkpoint
 * (runtime-promise.cc, `Runtime_PerformMicrotaskCheckpoint`), a few nanoseconds where there is nothing to do. A trip
 * through the event loop for each event took more time than the events. Not within a promise reaction: V8 would ignore
 * it there, so that is looked at once a schedule.
 */
export function runReactions(): void {
  drain ??= compile();
  drain();
}

/** Whether reactions can be run from here. */
export function canRunReactions(): boolean {
  let ran = false;
  void Promise.resolve().then(() => {
    ran = true;
  });
  runReactions();
  return ran;
}

function compile(): () => void {
  setFlagsFromString('--allow-natives-syntax');
  try {
    return new Function('%PerformMicrotaskCheckpoint()') as () => void;
  } finally {
    setFlagsFromString('--no-allow-natives-syntax');
  }
}
