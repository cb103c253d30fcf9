import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { isJson, positive } from '../bench/options.ts';
import { say, table } from '../bench/table.ts';
import { Burners } from './busy/burners.ts';
import { busyRound, type Round } from './busy/round.ts';
import { Theatre } from './run/theatre.ts';
import { whatIsMissing } from './scenarios/why-not.ts';

const HELP = `Usage: node test/faults/run-busy.ts [options]

Three members under load, while every core of the machine burns: nobody may take over. See docs/faults.md.

  --minutes N       how long (default 60)
  --burners N       threads that burn (default: one a core); 0 where other work fills the machine
  --round N         minutes after which what the clients saw is judged, and new tables are made (default 5)
  -o, --output json one JSON object on stdout instead of the table
`;

/** Exit codes: 0 nobody took over and nothing was lost, 1 else, 130 interrupted. */
async function main(argv: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      minutes: { type: 'string', default: '60' },
      burners: { type: 'string', default: `${cpus().length}` },
      round: { type: 'string', default: '5' },
      output: { type: 'string', short: 'o', default: 'table' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(HELP);
    return 0;
  }
  const minutes = positive('--minutes', values.minutes);
  const length = positive('--round', values.round);
  const threads = Number(values.burners);
  if (!Number.isInteger(threads) || threads < 0)
    throw new TypeError(`--burners: ${values.burners} is no number of threads`);
  const json = isJson(values.output);
  const interrupted = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => interrupted.abort());
  const { signal } = interrupted;
  const rounds: Round[] = [];
  const missing = await whatIsMissing();
  const theatre = new Theatre(!missing.has('network'), 1, signal);
  try {
    const stage = await theatre.stage(false);
    await using burners = new Burners(threads);
    say(`${burners.count} threads burn; ${minutes} minutes`);
    for (let left = minutes; left > 0 && !signal.aborted; left -= length) {
      const number = rounds.length + 1;
      const round = await busyRound(stage, number, Math.min(left, length) * 60_000, signal);
      rounds.push(round);
      say(lineOf(round));
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    await theatre.leave();
  }
  process.stdout.write(json ? `${JSON.stringify({ rounds }, null, 2)}\n` : `${asTable(rounds)}\n`);
  if (signal.aborted) return 130;
  return rounds.every(({ watched, violations }) => watched.epochs === 0 && violations.length === 0) ? 0 : 1;
}

const seconds = (millis: number | null): string =>
  millis === null ? '?' : `${(millis / 1000).toFixed(2)} s`;

function lineOf({ number, watched, longestGap, acknowledged, violations }: Round): string {
  const { changes, epochs, leastMargin, longestWithoutRenewal, leaseDuration, told } = watched;
  return [
    `[${number}] ${epochs} epochs, ${told.recruit} recruitments, margin at least ${seconds(leastMargin)}, ` +
      `Lease renewed within ${seconds(longestWithoutRenewal)} of ${seconds(leaseDuration)}, ` +
      `longest write gap ${seconds(longestGap)}, ${acknowledged} rows`,
    ...changes,
    ...violations.map(({ kind, message }) => `    ${kind}: ${message}`),
  ].join('\n');
}

function asTable(rounds: readonly Round[]): string {
  const head = [
    'minutes',
    'epochs',
    'recruitments',
    'guard kills',
    'doors closed',
    'least margin',
    'longest without renewal',
    'longest write gap',
    'rows',
    'violations',
  ];
  const sum = (value: (round: Round) => number): number =>
    rounds.reduce((total, round) => total + value(round), 0);
  const margins = rounds.flatMap(({ watched }) =>
    watched.leastMargin === null ? [] : [watched.leastMargin],
  );
  const most = (value: (round: Round) => number): number => Math.max(0, ...rounds.map(value));
  return table([
    head,
    [
      (sum(({ millis }) => millis) / 60_000).toFixed(0),
      String(sum(({ watched }) => watched.epochs)),
      String(sum(({ watched }) => watched.told.recruit)),
      String(sum(({ watched }) => watched.told['guard.killed'])),
      String(sum(({ watched }) => watched.told['close-door'])),
      seconds(margins.length === 0 ? null : Math.min(...margins)),
      seconds(most(({ watched }) => watched.longestWithoutRenewal)),
      seconds(most(({ longestGap }) => longestGap)),
      String(sum(({ acknowledged }) => acknowledged)),
      String(sum(({ violations }) => violations.length)),
    ],
  ]);
}

process.exitCode = await main(process.argv.slice(2));
