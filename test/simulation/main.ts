import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { sweepInProcesses } from './processes.ts';
import { report } from './report.ts';
import { runSchedule } from './run-schedule.ts';
import { type Kind, type Schedule, scheduleOf } from './schedule.ts';
import { sweep } from './sweep.ts';

const HELP = `Runs hostile schedules against the agent's own loop, in virtual time.

  --seeds N          how many schedules (1000)
  --from S           the first seed (1)
  --members N        1 to 7 members (3)
  --jobs N           processes (1)
  --long             schedules of up to 20 seconds from empty volumes, instead of dense ones
  --stop N           stop after so many violations (10)
  --minutes N        stop after so long
  --output json      what was counted, as JSON (-o json)

  --seed S           one schedule; --trace shows everything that happened in it
  --schedule FILE    one schedule as a violation prints it, or as it is kept in regressions/ (- reads it from stdin)
  --regressions      every schedule that is kept there
`;

export async function main(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      seeds: { type: 'string', default: '1000' },
      from: { type: 'string', default: '1' },
      seed: { type: 'string' },
      schedule: { type: 'string' },
      regressions: { type: 'boolean', default: false },
      members: { type: 'string', default: '3' },
      jobs: { type: 'string', default: '1' },
      stop: { type: 'string', default: '10' },
      minutes: { type: 'string', default: 'Infinity' },
      long: { type: 'boolean', default: false },
      trace: { type: 'boolean', default: false },
      output: { type: 'string', short: 'o', default: 'text' },
      mutant: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(HELP);
    return 0;
  }
  const members = Number(values.members);
  const kind: Kind = values.long ? 'long' : 'dense';
  if (values.regressions) return await replayKept();
  if (values.schedule !== undefined) return await replay(read(values.schedule), values.trace);
  if (values.seed !== undefined)
    return await replay(scheduleOf(Number(values.seed), members, kind), values.trace);
  const range = {
    from: Number(values.from),
    seeds: Number(values.seeds),
    members,
    kind,
    stop: Number(values.stop),
    minutes: Number(values.minutes),
  };
  const isJson = values.output === 'json';
  const begun = performance.now();
  const jobs = Number(values.jobs);
  const tally =
    jobs > 1
      ? await sweepInProcesses(range, jobs)
      : await sweep(range, (line) => process.stderr.write(`${line}\n`));
  if (isJson) process.stdout.write(`${JSON.stringify(tally)}\n`);
  else {
    if (jobs === 1) for (const line of tally.violations) process.stdout.write(`${line}\n`);
    process.stdout.write(report(tally, (performance.now() - begun) / 1_000));
  }
  return tally.violations.length === 0 ? 0 : 1;
}

function read(path: string): Schedule {
  const content = JSON.parse(readFileSync(path === '-' ? 0 : path, 'utf8')) as
    | Schedule
    | { readonly schedule: Schedule };
  return 'schedule' in content ? content.schedule : content;
}

async function replayKept(): Promise<number> {
  const directory = fileURLToPath(new URL('./regressions/', import.meta.url));
  const files = readdirSync(directory).filter((name) => name.endsWith('.json'));
  let violations = 0;
  for (const file of files) {
    const { violation } = await runSchedule(read(join(directory, file)));
    if (violation === null) continue;
    violations += 1;
    process.stdout.write(`${file}: ${violation.rule}: ${violation.what}\n`);
  }
  process.stdout.write(`${files.length} schedules of earlier findings, ${violations} violations\n`);
  return violations === 0 ? 0 : 1;
}

async function replay(schedule: Schedule, tracing: boolean): Promise<number> {
  const { lines, coverage, ...rest } = await runSchedule(schedule, tracing);
  for (const line of lines) process.stdout.write(`${line}\n`);
  process.stdout.write(`${JSON.stringify(schedule)}\n${JSON.stringify(rest, null, 2)}\n`);
  if (!tracing)
    for (const [what, count] of coverage) process.stdout.write(`${String(count).padStart(8)}  ${what}\n`);
  return rest.violation === null ? 0 : 1;
}
