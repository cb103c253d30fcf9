// Takes a backup, slowly, until it is killed: `node killed-child.ts '{"settings": …, "socket": …, "port": …, "data": …}'`.
import { ProgressKeeper } from '../../../../src/archive/backup/progress.ts';
import { runBackup } from '../../../../src/archive/backup/run-backup.ts';
import { type ArchiveSettings, openArchive } from '../../../../src/archive/opened-archive.ts';
import { LOCK } from './lock-settings.ts';

const given = JSON.parse(process.argv[2] ?? '{}') as {
  readonly settings: ArchiveSettings;
  readonly socket: string;
  readonly port: number;
  readonly data: string;
};
const archive = await openArchive(given.settings);
await runBackup(
  {
    archive,
    target: { host: given.socket, port: given.port, user: 'postgres', password: undefined },
    data: given.data,
    primary: { switchWal: () => Promise.reject(new Error('a primary asks nobody')) },
    member: 'killed',
    parallel: 2,
    rate: 4 * 1024 ** 2,
    verifyChecksums: true,
    walWithin: 60_000,
    progress: new ProgressKeeper(({ readBytes }) => {
      if (readBytes > 1024 ** 2) process.stdout.write('copying\n');
    }),
    onNudgeFailed: () => undefined,
    onRemoved: () => undefined,
    lock: LOCK,
  },
  new AbortController().signal,
);
