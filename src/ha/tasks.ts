import { type Decision, wait } from './decision.ts';
import { elapsed } from './units.ts';
import type { Task, View } from './view.ts';

/** A task that failed is started again after this pause. */
const RETRY_AFTER = 1_000;

export function runningTask(view: View, kind: Task['kind']): Task | null {
  return view.tasks.find((task) => task.kind === kind && task.outcome === 'running') ?? null;
}

/** A pause, where the last run of this kind failed a moment ago; null: it may start. */
export function startAgain(view: View, kind: Task['kind']): Decision | null {
  const last = view.tasks.find((task) => task.kind === kind && task.outcome === 'failed');
  if (last === undefined || elapsed(last.startedAt, view.now) >= RETRY_AFTER) return null;
  return wait(`${kind} failed (${last.error ?? 'no reason given'}) and is tried again`);
}
