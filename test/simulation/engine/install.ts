import { SimController, SimSignal } from './abort.ts';
import type { Random } from './random.ts';
import { clearVirtual, setVirtual } from './timers.ts';

/** 2026-01-01: the wall clock at the beginning of every schedule. */
const EPOCH_MS = 1_767_225_600_000;

let random: Random | null = null;
let wallClock = (): number => 0;

/** Where `Math.random` and `Date.now` come from in the schedule that follows. */
export function useSources(numbers: Random, time: () => number): void {
  random = numbers;
  wallClock = time;
}

/**
 * Puts virtual time and seeded chance in the place of what the product takes from the platform. Once a process; the
 * product is imported afterwards. (Node's own parts keep theirs.)
 */
export function installPlatform(): void {
  const target = globalThis as unknown as Record<string, unknown>;
  target.setTimeout = (run: () => void, duration?: number) => setVirtual(run, duration);
  target.clearTimeout = (event: never) => clearVirtual(event);
  target.AbortController = SimController;
  target.AbortSignal = SimSignal;
  Math.random = () => (random === null ? 0.5 : random.next());
  Date.now = () => EPOCH_MS + wallClock();
}
