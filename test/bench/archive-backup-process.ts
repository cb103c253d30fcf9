import { Archiver } from '../../src/archive/archiver.ts';
import { ProgressKeeper } from '../../src/archive/backup/progress.ts';
import { runBackup } from '../../src/archive/backup/run-backup.ts';
import { type ArchiveSettings, openArchive } from '../../src/archive/opened-archive.ts';
import { Spool } from '../../src/archive/spool.ts';
import { answerPush } from '../../src/archive/wal/answers.ts';
import { serveWal } from '../../src/archive/wal/wal-socket.ts';
import { lsnAt } from '../../src/ha/lsn.ts';
import { timelineId } from '../../src/ha/units.ts';
import { Wakeup } from '../../src/kubernetes/wakeup.ts';

/** What bench:archive tells this process: to take a backup, and archive meanwhile, as an agent does. */
export interface BackupWork {
  readonly settings: ArchiveSettings;
  readonly volume: string;
  readonly socket: string;
  readonly data: string;
  readonly host: string;
  readonly port: number;
  readonly segmentBytes: number;
  readonly parallel: number;
}

async function main(): Promise<void> {
  const work = JSON.parse(process.argv[2] ?? '{}') as BackupWork;
  const end = new AbortController();
  const reach = { timeline: timelineId(1), forks: [], confirmed: lsnAt(2 ** 48) };
  const archiver = new Archiver({
    settings: work.settings,
    spool: new Spool(work.volume),
    walDirectory: `${work.data}/pg_wal`,
    identity: () => ({ clusterUID: 'bench', generation: 1, systemIdentifier: '1' }),
    permission: () => ({ reach, age: 0 }),
    segmentBytes: () => work.segmentBytes,
    parallel: work.parallel,
    tailInterval: null,
    log: (level, event, message) => {
      if (level === 'warn') process.stderr.write(`${event}: ${message}\n`);
    },
    sleeper: new Wakeup(),
  });
  const push = (file: string, asked: AbortSignal) => answerPush(file, (name) => archiver.push(name, asked));
  const archiving = Promise.all([
    archiver.run(end.signal),
    serveWal(work.socket, { push }, end.signal, () => undefined),
  ]);
  const archive = await openArchive(work.settings);
  await archive.store.prepareToWrite({ signal: end.signal });
  await runBackup(
    {
      archive,
      target: { host: work.host, port: work.port, user: 'postgres', password: undefined },
      data: work.data,
      primary: { switchWal: () => Promise.reject(new Error('a primary asks nobody')) },
      member: 'bench',
      parallel: work.parallel,
      rate: null,
      verifyChecksums: true,
      walWithin: 60_000,
      progress: new ProgressKeeper(() => undefined),
      onNudgeFailed: () => undefined,
      onRemoved: () => undefined,
    },
    end.signal,
  );
  archive.store.close();
  end.abort();
  await archiving;
}

await main();
