import { Archiver } from '../../src/archive/archiver.ts';
import { type ArchiveSettings, openArchive } from '../../src/archive/opened-archive.ts';
import { Spool } from '../../src/archive/spool.ts';
import { answerFetch, answerPush } from '../../src/archive/wal/answers.ts';
import { WalFetcher } from '../../src/archive/wal/fetcher.ts';
import { WALG_LAYOUT } from '../../src/archive/wal/source.ts';
import { serveWal } from '../../src/archive/wal/wal-socket.ts';
import { lsnAt } from '../../src/ha/lsn.ts';
import { timelineId } from '../../src/ha/units.ts';
import { Wakeup } from '../../src/kubernetes/wakeup.ts';

/** What bench:archive tells this process: the agent's part in an archive, without the rest of the agent. */
export interface ServiceWork {
  readonly mode: 'push' | 'get';
  readonly settings: ArchiveSettings;
  readonly volume: string;
  readonly walDirectory: string;
  readonly socket: string;
  readonly segmentBytes: number;
  readonly parallel: number;
}

/** Ends with its standard input. A line on stdout says that it listens. */
async function main(): Promise<void> {
  const work = JSON.parse(process.argv[2] ?? '{}') as ServiceWork;
  const end = new AbortController();
  process.stdin.resume().once('end', () => end.abort());
  const listening = (): void => void process.stdout.write('ready\n');
  await (work.mode === 'push' ? push(work, end.signal, listening) : get(work, end.signal, listening));
}

async function push(work: ServiceWork, signal: AbortSignal, listening: () => void): Promise<void> {
  const { settings, volume, walDirectory, segmentBytes, parallel } = work;
  const reach = { timeline: timelineId(1), forks: [], confirmed: lsnAt(2 ** 48) };
  const archiver = new Archiver({
    settings,
    spool: new Spool(volume),
    walDirectory,
    identity: () => ({ clusterUID: 'bench', generation: 1, systemIdentifier: '1' }),
    permission: () => ({ reach, age: 0 }),
    segmentBytes: () => segmentBytes,
    parallel,
    tailInterval: null,
    log: (level, event, message) => {
      if (level === 'warn') process.stderr.write(`${event}: ${message}\n`);
    },
    sleeper: new Wakeup(),
  });
  await Promise.all([
    archiver.run(signal),
    serveWal(
      work.socket,
      { push: (file, asked) => answerPush(file, (name) => archiver.push(name, asked)) },
      signal,
      listening,
    ),
  ]);
}

async function get(work: ServiceWork, signal: AbortSignal, listening: () => void): Promise<void> {
  const { store, codec } = await openArchive(work.settings);
  const fetcher = new WalFetcher({
    source: { store, codec, layout: WALG_LAYOUT },
    spool: new Spool(work.volume),
    segmentBytes: work.segmentBytes,
    useTail: false,
    ahead: work.parallel,
    onWaiting: (file, error) => void process.stderr.write(`${file}: ${error.message}\n`),
    onFetched: () => undefined,
  });
  await Promise.all([
    fetcher.run(signal),
    serveWal(work.socket, { fetch: (file, asked) => answerFetch(file, fetcher, asked) }, signal, listening),
  ]);
  store.close();
}

await main();
