import { renameSync, writeFileSync } from 'node:fs';
import { report } from './report.ts';
import type { SoFar } from './share.ts';
import type { Range } from './sweep.ts';

/** What a report tells of the run beside its numbers. */
export interface Told {
  readonly range: Range;
  /** As it was typed. */
  readonly command: string;
  /** Since it began. */
  readonly seconds: number;
}

/** The report of a sweep as Markdown, to be kept: of one that goes on or was stopped as well. */
export function reportFile({ tally, next }: SoFar, { range, command, seconds }: Told): string {
  const { from, seeds, sizes } = range;
  const isWhole = tally.schedules === seeds;
  return [
    `# ${tally.schedules} hostile schedules`,
    '',
    `\`${command}\` on Node ${process.version}: seeds ${from} to ${next - 1}, clusters of ${[...new Set(sizes)].join(', ')} members.`,
    isWhole ? '' : `Not all of ${seeds}: go on with \`--from-seed ${next}\`.`,
    '',
    ...tally.violations.map((line) => `- ${line}`),
    '',
    '```text',
    report(tally, seconds).trimEnd(),
    '```',
    '',
  ]
    .join('\n')
    .replaceAll(/\n{3,}/g, '\n\n');
}

/** Replaces the file at once: whoever reads it, or ends this process, finds a whole one. */
export function writeReport(path: string, content: string): void {
  writeFileSync(`${path}.new`, content);
  renameSync(`${path}.new`, path);
}
