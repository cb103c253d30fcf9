import { parseArgs } from 'node:util';
import { minimise, placesIn } from './minimise.ts';
import { sweepInProcesses } from './processes.ts';
import { runSchedule, scheduleOf } from './run-schedule.ts';
import { Tally } from './tally.ts';

const PROGRESS_MS = 5_000;
const HELP = `Runs hostile schedules against the agent's own loop, in virtual time.

  --seeds N      how many schedules (1000)
  --from S       the first seed (1)
  --members N    1 to 7 members (3)
  --jobs N       processes (1)
  --stop N       stop after so many violations (10)
  --seed S       one schedule; with --trace everything that happened in it
  --keep 0,2     of its faults only these (as a minimised schedule is shown)
`;

export async function main(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      seeds: { type: 'string', default: '1000' },
      from: { type: 'string', default: '1' },
      seed: { type: 'string' },
      keep: { type: 'string' },
      members: { type: 'string', default: '3' },
      jobs: { type: 'string', default: '1' },
      stop: { type: 'string', default: '10' },
      trace: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      mutant: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(HELP);
    return 0;
  }
  const members = Number(values.members);
  if (values.seed !== undefined) return await replay(Number(values.seed), members, values.keep, values.trace);
  const range = {
    from: Number(values.from),
    seeds: Number(values.seeds),
    members,
    stop: Number(values.stop),
  };
  const tally =
    Number(values.jobs) > 1
      ? await sweepInProcesses(range, Number(values.jobs))
      : await sweep(range, values.json);
  process.stdout.write(values.json ? `${JSON.stringify(tally.plain())}\n` : tally.report());
  return tally.violations.length === 0 ? 0 : 1;
}

async function replay(seed: number, members: number, keep: string | undefined, tracing: boolean) {
  const whole = scheduleOf(seed, members);
  const kept = keep === undefined ? null : new Set(keep.split(',').map(Number));
  const faults = whole.faults.filter((_, index) => kept === null || kept.has(index));
  const { lines, coverage, ...rest } = await runSchedule({ ...whole, faults }, tracing);
  for (const line of lines) process.stdout.write(`${line}\n`);
  for (const fault of faults) process.stdout.write(`${JSON.stringify(fault)}\n`);
  process.stdout.write(`${JSON.stringify(rest, null, 2)}\n`);
  if (!tracing)
    for (const [what, count] of coverage) process.stdout.write(`${String(count).padStart(8)}  ${what}\n`);
  return rest.violation === null ? 0 : 1;
}

export interface Range {
  readonly from: number;
  readonly seeds: number;
  readonly members: number;
  readonly stop: number;
}

async function sweep({ from, seeds, members, stop }: Range, quiet: boolean): Promise<Tally> {
  const tally = new Tally();
  let toldAt = performance.now();
  for (let seed = from; seed < from + seeds && tally.violations.length < stop; seed++) {
    const schedule = scheduleOf(seed, members);
    const outcome = await runSchedule(schedule);
    tally.add(schedule, outcome);
    if (outcome.violation !== null) {
      const { rule, what } = outcome.violation;
      const smallest = await minimise(schedule, rule);
      const kinds = smallest.faults.map((fault) => fault.kind).join(', ');
      const again = `--seed ${seed} --members ${members} --keep ${placesIn(smallest, schedule)} --trace`;
      const line = `seed ${seed}: ${rule}: ${what} [${kinds}] (${again})`;
      tally.violations.push(line);
      if (!quiet) process.stdout.write(`${line}\n`);
    }
    if (performance.now() - toldAt > PROGRESS_MS) {
      toldAt = performance.now();
      process.stderr.write(`${tally.progress()} of ${seeds}\n`);
    }
  }
  return tally;
}
