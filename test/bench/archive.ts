import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { execa } from 'execa';
import { dropRoot } from '../integration/postgres/drop-root.ts';
import { findS3Server } from '../s3/binary.ts';
import { TlsS3 } from './archive-s3.ts';
import { makeSegments, markReady, SEGMENT } from './archive-segments.ts';
import { type ArchiveSubject, type Asked, pgbackrest, pgwarden } from './archive-subjects.ts';
import { obtainPgbackrest } from './archive-tools.ts';
import { isJson, positive } from './options.ts';
import { say, table } from './table.ts';

const HELP = `Usage: npm run bench:archive -- [options]

How fast WAL goes to the archive and comes back, and what that costs, beside Debian's pgbackrest in its own
asynchronous mode: segments of 16 MiB that no compression makes smaller, all ready at once.

  --segments N       default 200
  --store A,B        of: s3 (versitygw by TLS), directory (default: both)
  --parallel N       files at once, of both programs (default 3)
  --peer none        only pgwarden
  -o, --output json  one JSON object on stdout instead of the table
`;

/** The goals of the project: a segment on S3, times the peer's speed, memory. */
const EACH_MS = 60;
const TIMES_PEER = 1.5;
const MEMORY = 250;

/** What one program needed for one thing. */
interface Measured {
  readonly store: string;
  readonly what: 'push' | 'restore';
  readonly program: string;
  readonly seconds: number;
  /** Milliseconds a segment, from the first to the last. */
  readonly each: number;
  readonly megabytesPerSecond: number;
  /** Seconds of all its processes, what its command starts included; without the server's. */
  readonly cpu: number;
  /** Megabytes of all its processes at once, at the most. */
  readonly peak: number;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      segments: { type: 'string', default: '200' },
      store: { type: 'string', default: 's3,directory' },
      parallel: { type: 'string', default: '3' },
      peer: { type: 'string', default: 'pgbackrest' },
      output: { type: 'string', short: 'o', default: 'table' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(HELP);
    return;
  }
  const json = isJson(values.output);
  const segments = positive('--segments', values.segments);
  const parallel = positive('--parallel', values.parallel);
  const stores = values.store.split(',');
  const unknown = stores.find((one) => one !== 's3' && one !== 'directory');
  if (unknown !== undefined) throw new TypeError(`--store: ${unknown} is neither s3 nor directory`);
  if (values.peer !== 'pgbackrest' && values.peer !== 'none')
    throw new TypeError(`--peer: ${values.peer} is neither pgbackrest nor none`);

  const peer = values.peer === 'none' ? null : await obtainPgbackrest(say);
  const server = await findS3Server();
  dropRoot();
  const root = await mkdtemp(join(tmpdir(), 'pgwarden-bench-'));
  try {
    say(`making ${segments} segments`);
    const dataDirectory = join(root, 'data');
    const files = await makeSegments(dataDirectory, segments);
    const rows: Measured[] = [];
    for (const store of stores) {
      const place = join(root, store);
      await mkdir(place);
      await using s3 = store === 's3' ? await TlsS3.start(server, place) : null;
      const at = async (name: string) => {
        const directory = join(place, name);
        await mkdir(directory, { recursive: true });
        return { directory, dataDirectory, s3, parallel };
      };
      const subjects = [await pgwarden(await at('w'))];
      if (peer !== null) subjects.push(await pgbackrest(peer.path, await at('b')));
      for (const subject of subjects) rows.push(...(await measure(subject, store, dataDirectory, files)));
      await rm(place, { recursive: true, force: true });
    }
    report(rows, { json, segments, parallel, peer: peer?.version ?? null });
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}

async function measure(
  subject: ArchiveSubject,
  store: string,
  dataDirectory: string,
  files: readonly string[],
): Promise<Measured[]> {
  await markReady(dataDirectory, files);
  say(`${subject.name} pushes to ${store}`);
  const push = await play('push', await subject.push(), dataDirectory, files);
  say(`${subject.name} restores from ${store}`);
  const get = await play('get', await subject.get(), dataDirectory, files);
  const common = { store, program: subject.name };
  return [
    { ...common, what: 'push', ...push },
    { ...common, what: 'restore', ...get },
  ];
}

async function play(mode: 'push' | 'get', asked: Asked, directory: string, files: readonly string[]) {
  const input = JSON.stringify({ ...asked, mode, directory, files });
  const script = join(import.meta.dirname, 'play-postgres.py');
  const { stdout } = await execa('/usr/bin/python3', [script], { input, stderr: 'inherit' });
  const { seconds, cpu, peak } = JSON.parse(stdout) as { seconds: number; cpu: number; peak: number };
  return {
    seconds,
    each: (seconds * 1000) / files.length,
    megabytesPerSecond: (files.length * SEGMENT) / 1e6 / seconds,
    cpu,
    peak: peak / 1e6,
  };
}

function report(
  rows: readonly Measured[],
  about: {
    readonly json: boolean;
    readonly segments: number;
    readonly parallel: number;
    readonly peer: string | null;
  },
): void {
  const judged = rows.map((row) => ({ ...row, ...verdicts(row, rows) }));
  if (about.json) {
    const { json: _, ...options } = about;
    process.stdout.write(`${JSON.stringify({ cores: cpus().length, ...options, rows: judged }, null, 2)}\n`);
    return;
  }
  const head = ['store', 'what', 'program', 'each', 'MB/s', 'CPU', 'memory', 'times the peer', 'goals'];
  const lines = judged.map((row) => [
    row.store,
    row.what,
    row.program,
    `${row.each.toFixed(0)} ms`,
    row.megabytesPerSecond.toFixed(0),
    `${row.cpu.toFixed(1)} s`,
    `${row.peak.toFixed(0)} MB`,
    row.timesPeer === null ? '' : row.timesPeer.toFixed(2),
    row.missed === null ? '' : row.missed.length === 0 ? 'met' : `missed: ${row.missed.join(', ')}`,
  ]);
  process.stdout.write(`${table([head, ...lines])}\n`);
}

/** Of pgwarden's rows: how many times as fast as the peer, and which goals it missed. */
function verdicts(row: Measured, rows: readonly Measured[]) {
  if (row.program !== 'pgwarden') return { timesPeer: null, missed: null };
  const peer = rows.find(
    ({ store, what, program }) => store === row.store && what === row.what && program !== row.program,
  );
  const timesPeer = peer === undefined ? null : peer.seconds / row.seconds;
  const missed: string[] = [];
  if (row.what === 'push' && row.store === 's3' && row.each > EACH_MS) missed.push(`${EACH_MS} ms each`);
  if (timesPeer !== null && timesPeer < TIMES_PEER) missed.push(`${TIMES_PEER} times the peer`);
  if (row.peak > MEMORY) missed.push(`${MEMORY} MB`);
  return { timesPeer, missed };
}

await main();
