import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { execa } from 'execa';
import { dropRoot } from '../integration/postgres/drop-root.ts';
import { findS3Server } from '../s3/binary.ts';
import { type BackupSubject, pgbackrestBackups, pgwardenBackups } from './archive-backups.ts';
import { BenchCluster } from './archive-cluster.ts';
import { touchFreeMemory } from './archive-memory.ts';
import { TlsS3 } from './archive-s3.ts';
import { makeSegments, markReady, SEGMENT } from './archive-segments.ts';
import { type ArchiveSubject, type Asked, pgbackrest, pgwarden } from './archive-subjects.ts';
import { obtainPgbackrest } from './archive-tools.ts';
import { isJson, positive } from './options.ts';
import { say, table } from './table.ts';

const HELP = `Usage: npm run bench:archive -- [options]

How fast WAL and base backups go to the archive and come back, and what that costs, beside Debian's pgbackrest. WAL (in
its own asynchronous mode): segments of 16 MiB that no compression makes smaller, all ready at once. Base backups: of a
running cluster with page checksums, half of whose bytes no compression makes smaller, restored without replay.

  --what A,B         of: wal, base (default: both)
  --segments N       default 200
  --gib N            the size of the cluster that is backed up (default 2)
  --base-parallel N  processes (or threads) of a base backup and its restore (default 2)
  --store A,B        of: s3 (versitygw by TLS), directory (default: both)
  --parallel N       segments at once, of both programs (default 3)
  --peer none        only pgwarden
  --cold             leave the machine's free memory untouched before each measurement
  -o, --output json  one JSON object on stdout instead of the table
`;

/** The goals of the project: a segment on S3, times the peer's speed, memory. */
const EACH_MS = 60;
const TIMES_PEER = 1.5;
const MEMORY = 250;

/** What one program needed for one thing. */
interface Measured {
  readonly store: string;
  readonly what: 'push' | 'restore' | 'base backup' | 'base restore';
  readonly program: string;
  readonly seconds: number;
  /** Milliseconds a segment, from the first to the last; null: it was no segments. */
  readonly each: number | null;
  readonly megabytesPerSecond: number;
  /** Seconds of all its processes, what its command starts included; without the server's. */
  readonly cpu: number;
  /** Megabytes of all its processes at once, at the most. */
  readonly peak: number;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      what: { type: 'string', default: 'wal,base' },
      segments: { type: 'string', default: '200' },
      gib: { type: 'string', default: '2' },
      'base-parallel': { type: 'string', default: '2' },
      store: { type: 'string', default: 's3,directory' },
      parallel: { type: 'string', default: '3' },
      peer: { type: 'string', default: 'pgbackrest' },
      cold: { type: 'boolean', default: false },
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
  const gib = positive('--gib', values.gib);
  const baseParallel = positive('--base-parallel', values['base-parallel']);
  const stores = oneOf('--store', values.store, ['s3', 'directory']);
  const what = oneOf('--what', values.what, ['wal', 'base']);
  if (values.peer !== 'pgbackrest' && values.peer !== 'none')
    throw new TypeError(`--peer: ${values.peer} is neither pgbackrest nor none`);

  const peer = values.peer === 'none' ? null : await obtainPgbackrest(say);
  const server = await findS3Server();
  dropRoot();
  const root = await mkdtemp(join(tmpdir(), 'pgwarden-bench-'));
  try {
    const rows: Measured[] = [];
    const warm = async (): Promise<void> => {
      if (!values.cold) await touchFreeMemory(join(root, 'holes'));
    };
    const inStores = async (work: (stage: Stage) => Promise<void>): Promise<void> => {
      for (const store of stores) {
        const place = join(root, store);
        await mkdir(place);
        await using s3 = store === 's3' ? await TlsS3.start(server, place) : null;
        const at = async (name: string) => {
          const directory = join(place, name);
          await mkdir(directory, { recursive: true });
          return { directory, s3 };
        };
        await work({ store, at });
        await rm(place, { recursive: true, force: true });
      }
    };
    if (what.includes('wal')) {
      say(`making ${segments} segments`);
      const dataDirectory = join(root, 'data');
      const files = await makeSegments(dataDirectory, segments);
      await inStores(async ({ store, at }) => {
        const subjects = [await pgwarden({ ...(await at('w')), dataDirectory, parallel })];
        if (peer !== null)
          subjects.push(await pgbackrest(peer.path, { ...(await at('b')), dataDirectory, parallel }));
        for (const subject of subjects)
          rows.push(...(await measure(subject, store, dataDirectory, files, warm)));
      });
      await rm(dataDirectory, { recursive: true, force: true });
    }
    if (what.includes('base')) {
      say(`making a cluster of ${gib} GiB`);
      await using cluster = await BenchCluster.start(root, gib);
      await inStores(async ({ store, at }) => {
        const place = { parallel: baseParallel };
        const subjects = [await pgwardenBackups({ ...(await at('w')), ...place })];
        if (peer !== null)
          subjects.push(await pgbackrestBackups(peer.path, { ...(await at('b')), ...place }, cluster));
        const to = join(root, 'restored');
        for (const subject of subjects)
          rows.push(...(await measureBackups(subject, store, cluster, to, warm)));
        await rm(to, { recursive: true, force: true });
      });
    }
    report(rows, { json, segments, parallel, gib, baseParallel, peer: peer?.version ?? null });
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}

interface Stage {
  readonly store: string;
  at(name: string): Promise<{ readonly directory: string; readonly s3: TlsS3 | null }>;
}

function oneOf(name: string, text: string, known: readonly string[]): readonly string[] {
  const given = text.split(',');
  const unknown = given.find((one) => !known.includes(one));
  if (unknown !== undefined) throw new TypeError(`${name}: ${unknown} is none of ${known.join(', ')}`);
  return given;
}

async function measureBackups(
  subject: BackupSubject,
  store: string,
  cluster: BenchCluster,
  to: string,
  warm: () => Promise<void>,
): Promise<Measured[]> {
  await subject.prepare(cluster);
  await warm();
  say(`${subject.name} backs up to ${store}`);
  const backup = await playOnce(subject.backup(cluster));
  say(`${subject.name} restores a backup from ${store}`);
  const command = await subject.restore(to);
  await warm();
  const restore = await playOnce(command);
  const bytes = await cluster.bytes();
  const common = { store, program: subject.name, each: null };
  const rate = ({ seconds }: Played) => ({ megabytesPerSecond: bytes / 1e6 / seconds });
  return [
    { ...common, what: 'base backup', ...backup, ...rate(backup) },
    { ...common, what: 'base restore', ...restore, ...rate(restore) },
  ];
}

async function measure(
  subject: ArchiveSubject,
  store: string,
  dataDirectory: string,
  files: readonly string[],
  warm: () => Promise<void>,
): Promise<Measured[]> {
  await markReady(dataDirectory, files);
  await warm();
  say(`${subject.name} pushes to ${store}`);
  const push = await play('push', await subject.push(), dataDirectory, files);
  say(`${subject.name} restores from ${store}`);
  const asked = await subject.get();
  await warm();
  const get = await play('get', asked, dataDirectory, files);
  const common = { store, program: subject.name };
  return [
    { ...common, what: 'push', ...push },
    { ...common, what: 'restore', ...get },
  ];
}

async function play(mode: 'push' | 'get', asked: Asked, directory: string, files: readonly string[]) {
  const played = await playAs({ ...asked, mode, directory, files });
  return {
    ...played,
    each: (played.seconds * 1000) / files.length,
    megabytesPerSecond: (files.length * SEGMENT) / 1e6 / played.seconds,
  };
}

async function playOnce(command: readonly string[]): Promise<Played> {
  // Nobody is to write what others left.
  await execa('sync');
  return await playAs({ mode: 'run', command });
}

type Played = Pick<Measured, 'seconds' | 'cpu' | 'peak'>;

async function playAs(work: Readonly<Record<string, unknown>>): Promise<Played> {
  const script = join(import.meta.dirname, 'play-postgres.py');
  const { stdout } = await execa('/usr/bin/python3', [script], {
    input: JSON.stringify(work),
    stderr: 'inherit',
  });
  const { seconds, cpu, peak } = JSON.parse(stdout) as { seconds: number; cpu: number; peak: number };
  return { seconds, cpu, peak: peak / 1e6 };
}

function report(
  rows: readonly Measured[],
  about: {
    readonly json: boolean;
    readonly segments: number;
    readonly parallel: number;
    readonly gib: number;
    readonly baseParallel: number;
    readonly peer: string | null;
  },
): void {
  const judged = rows.map((row) => ({ ...row, ...verdicts(row, rows) }));
  if (about.json) {
    const { json: _, ...options } = about;
    process.stdout.write(`${JSON.stringify({ cores: cpus().length, ...options, rows: judged }, null, 2)}\n`);
    return;
  }
  const head = ['store', 'what', 'program', 'time', 'MB/s', 'CPU', 'memory', 'times the peer', 'goals'];
  const lines = judged.map((row) => [
    row.store,
    row.what,
    row.program,
    row.each === null ? `${row.seconds.toFixed(1)} s` : `${row.each.toFixed(0)} ms each`,
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
  if (row.what === 'push' && row.store === 's3' && (row.each ?? 0) > EACH_MS)
    missed.push(`${EACH_MS} ms each`);
  if (timesPeer !== null && timesPeer < TIMES_PEER) missed.push(`${TIMES_PEER} times the peer`);
  if (row.peak > MEMORY) missed.push(`${MEMORY} MB`);
  return { timesPeer, missed };
}

await main();
