import { parseArgs } from 'node:util';
import { runSchedule, scheduleOf } from './run-schedule.ts';
import { Coverage } from './world/coverage.ts';

export async function main(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      seeds: { type: 'string', default: '1000' },
      from: { type: 'string', default: '1' },
      seed: { type: 'string' },
      members: { type: 'string', default: '3' },
      trace: { type: 'boolean', default: false },
      stop: { type: 'string', default: '10' },
      mutant: { type: 'string' },
    },
  });
  const members = Number(values.members);
  if (values.seed !== undefined) {
    const schedule = scheduleOf(Number(values.seed), members);
    const outcome = await runSchedule(schedule, values.trace);
    for (const line of outcome.lines) console.log(line);
    for (const fault of schedule.faults) console.log(JSON.stringify(fault));
    const { lines, coverage, ...rest } = outcome;
    void lines;
    console.log(rest);
    if (!values.trace) console.log(Object.fromEntries([...coverage].sort()));
    return outcome.violation === null ? 0 : 1;
  }
  const coverage = new Coverage();
  const begun = process.hrtime.bigint();
  const first = Number(values.from);
  let found = 0;
  let done = 0;
  let steps = 0;
  let rounds = 0;
  let slowest = 0;
  for (let seed = first; seed < first + Number(values.seeds); seed++) {
    const schedule = scheduleOf(seed, members);
    const outcome = await runSchedule(schedule);
    done += 1;
    steps += outcome.steps;
    rounds += outcome.rounds;
    slowest = Math.max(slowest, outcome.recovered);
    coverage.add(outcome.coverage);
    if (outcome.violation !== null) {
      found += 1;
      console.log(
        `seed ${seed}: ${outcome.violation.rule}: ${outcome.violation.what} [${schedule.faults.map((fault) => fault.kind).join(', ')}]`,
      );
      if (found >= Number(values.stop)) break;
    }
  }
  const seconds = Number(process.hrtime.bigint() - begun) / 1e9;
  console.log(
    `${done} schedules, ${found} violations, ${(done / seconds).toFixed(1)} schedules/s, ${(steps / done).toFixed(0)} events and ${(rounds / done).toFixed(0)} rounds each, slowest recovery ${slowest} ms`,
  );
  for (const [what, count] of [...coverage.counts].sort())
    console.log(`${String(count).padStart(10)}  ${what}`);
  return found === 0 ? 0 : 1;
}
