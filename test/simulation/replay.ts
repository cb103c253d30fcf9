import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runSchedule } from './run-schedule.ts';
import type { Schedule } from './schedule.ts';

/** A schedule as a violation prints it, or as it is kept in `regressions/`; `-`: from stdin. */
export function readSchedule(path: string): Schedule {
  const content = JSON.parse(readFileSync(path === '-' ? 0 : path, 'utf8')) as
    | Schedule
    | { readonly schedule: Schedule };
  return 'schedule' in content ? content.schedule : content;
}

/** Runs one schedule and shows what came of it; returns the exit code. */
export async function replay(schedule: Schedule, tracing: boolean): Promise<number> {
  const { lines, coverage, ...rest } = await runSchedule(schedule, tracing);
  for (const line of lines) process.stdout.write(`${line}\n`);
  process.stdout.write(`${JSON.stringify(schedule)}\n${JSON.stringify(rest, null, 2)}\n`);
  if (!tracing)
    for (const [what, count] of coverage) process.stdout.write(`${String(count).padStart(8)}  ${what}\n`);
  return rest.violation === null ? 0 : 1;
}

/** Runs every schedule of earlier findings; returns the exit code. */
export async function replayKept(): Promise<number> {
  const directory = fileURLToPath(new URL('./regressions/', import.meta.url));
  const files = readdirSync(directory).filter((name) => name.endsWith('.json'));
  let violations = 0;
  for (const file of files) {
    const { violation } = await runSchedule(readSchedule(join(directory, file)));
    if (violation === null) continue;
    violations += 1;
    process.stdout.write(`${file}: ${violation.rule}: ${violation.what}\n`);
  }
  process.stdout.write(`${files.length} schedules of earlier findings, ${violations} violations\n`);
  return violations === 0 ? 0 : 1;
}
