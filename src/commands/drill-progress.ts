import type { DrillProgress } from '../archive/drill/drill.ts';
import { formatBytes, formatMillis } from './output/quantity.ts';

/** What a drill is at, for people. */
export function sentenceOfDrill(progress: DrillProgress): string {
  if (!('done' in progress)) return progress.phase;
  const { phase, done, total, rate, remaining, detail } = progress;
  const of = total === null || total === 0 ? '' : ` ${formatBytes(done)} of ${formatBytes(total)}`;
  const pace = rate === null ? '' : `, ${formatBytes(Math.round(rate))}/s`;
  const left = remaining === null ? '' : `, ${formatMillis(remaining)} left`;
  return `${phase}${of}${pace}${left}${detail === '' ? '' : `: ${detail}`}`;
}

/** Of the present phase, from 0 to 1. */
export function fractionOf(progress: DrillProgress): number | null {
  if (!('done' in progress) || progress.total === null || progress.total === 0) return null;
  return Math.min(1, progress.done / progress.total);
}
