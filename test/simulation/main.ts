import { parseArgs } from 'node:util';
import { readSchedule, replay, replayKept } from './replay.ts';
import { progress, report } from './report.ts';
import { reportFile, writeReport } from './report-file.ts';
import { scheduleOf } from './schedule.ts';
import { type SoFar, share } from './share.ts';
import { parseSizes, sizeOf } from './sizes.ts';
import { type Range, sweep } from './sweep.ts';
import { work } from './worker.ts';
import { Workers } from './workers.ts';

const HELP = `Runs hostile schedules against the agent's own loop, in virtual time.

  --seeds N          how many schedules (1000)
  --from-seed S      the first seed (1); --from for short. A run that was stopped tells with which to go on
  --members N        1 to 7 members (3); 1-7 (or mixed), or 3,3,2-5: which of them, the seed tells
  --jobs N           processes (1)
  --script TEXT      only schedules that follow the script (scripts/) whose name contains it
  --long             schedules of up to 20 seconds from empty volumes, instead of dense ones
  --stop N           stop after so many violations (10)
  --minutes N        stop after so long
  --output json      what was counted, as JSON (-o json)
  --report FILE      what was counted, as Markdown, written once a minute and at the end
  (Ctrl-C            ends what has begun, a second or two, and reports as at the end; again: at once)

  --seed S           one schedule; --trace shows everything that happened in it
  --schedule FILE    one schedule as a violation prints it, or as it is kept in regressions/ (- reads it from stdin)
  --regressions      every schedule that is kept there
`;

const PROGRESS_MS = 5_000;
const REPORT_MS = 60_000;
/** As a shell tells of SIGINT. */
const INTERRUPTED = 130;

export async function main(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      seeds: { type: 'string', default: '1000' },
      from: { type: 'string', default: '1' },
      'from-seed': { type: 'string' },
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
      report: { type: 'string' },
      mutant: { type: 'string' },
      script: { type: 'string' },
      worker: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.worker) return await work();
  if (values.help) {
    process.stdout.write(HELP);
    return 0;
  }
  const sizes = parseSizes(values.members);
  if (sizes === null) {
    process.stderr.write(`--members ${values.members}: 1 to 7, like 3, 1-7, mixed or 3,3,2-5\n`);
    return 2;
  }
  const kind = values.long ? 'long' : 'dense';
  const script = values.script ?? null;
  if (values.regressions) return await replayKept();
  if (values.schedule !== undefined) return await replay(readSchedule(values.schedule), values.trace);
  if (values.seed !== undefined) {
    const seed = Number(values.seed);
    return await replay(scheduleOf(seed, sizeOf(seed, sizes), kind, script), values.trace);
  }
  const range: Range = {
    from: Number(values['from-seed'] ?? values.from),
    seeds: Number(values.seeds),
    sizes,
    kind,
    script,
    stop: Number(values.stop),
  };
  return await sweepAll(range, {
    jobs: Number(values.jobs),
    minutes: Number(values.minutes),
    asJson: values.output === 'json',
    report: values.report ?? null,
    mutant: values.mutant ?? null,
    command: `npm run simulate -- ${args.join(' ')}`,
  });
}

interface Wishes {
  readonly jobs: number;
  readonly minutes: number;
  readonly asJson: boolean;
  readonly report: string | null;
  readonly mutant: string | null;
  readonly command: string;
}

async function sweepAll(range: Range, wishes: Wishes): Promise<number> {
  const { jobs, asJson, command } = wishes;
  const begun = performance.now();
  const seconds = (): number => (performance.now() - begun) / 1_000;
  let isInterrupted = false;
  process.once('SIGINT', () => {
    isInterrupted = true;
    process.stderr.write('ends what has begun; once more ends it at once\n');
  });
  const isStopped = (): boolean => isInterrupted || seconds() > wishes.minutes * 60;
  const keep = (soFar: SoFar): void => {
    if (wishes.report !== null)
      writeReport(wishes.report, reportFile(soFar, { range, command, seconds: seconds() }));
  };
  let toldAt = begun;
  let keptAt = begun;
  const workers =
    jobs > 1 ? new Workers(jobs, wishes.mutant === null ? [] : ['--mutant', wishes.mutant]) : null;
  const soFar = await share(
    range,
    workers?.runs ?? [(portion) => sweep(portion)],
    isStopped,
    (soFar, part) => {
      if (!asJson) for (const line of part.violations) process.stdout.write(`${line}\n`);
      const now = performance.now();
      if (now - toldAt > PROGRESS_MS) {
        toldAt = now;
        process.stderr.write(`${progress(soFar.tally, range.seeds, seconds())}\n`);
      }
      if (now - keptAt > REPORT_MS) {
        keptAt = now;
        keep(soFar);
      }
    },
  ).finally(() => workers?.close());
  const { tally, next } = soFar;
  process.stdout.write(asJson ? `${JSON.stringify(tally)}\n` : report(tally, seconds()));
  keep(soFar);
  if (isStopped() && tally.schedules < range.seeds)
    process.stderr.write(
      `stopped: go on with --from-seed ${next} --seeds ${range.from + range.seeds - next}\n`,
    );
  if (tally.violations.length > 0) return 1;
  return isInterrupted ? INTERRUPTED : 0;
}
