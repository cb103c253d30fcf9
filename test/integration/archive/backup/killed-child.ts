// Takes a backup and stands still at one of its steps, to be killed there:
// `node killed-child.ts '{"settings": …, "socket": …, "port": …, "data": …, "phase": "copy"}'`.
import { writeSync } from 'node:fs';
import { type BackupPhase, ProgressKeeper } from '../../../../src/archive/backup/progress.ts';
import { runBackup } from '../../../../src/archive/backup/run-backup.ts';
import { type ArchiveSettings, openArchive } from '../../../../src/archive/opened-archive.ts';
import { LOCK } from './lock-settings.ts';

const given = JSON.parse(process.argv[2] ?? '{}') as {
  readonly settings: ArchiveSettings;
  readonly socket: string;
  readonly port: number;
  readonly data: string;
  readonly phase: BackupPhase;
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
    rate: null,
    verifyChecksums: true,
    walWithin: 60_000,
    progress: new ProgressKeeper(({ phase, readBytes }) => {
      if (phase !== given.phase || (phase === 'copy' && readBytes < 1024 ** 2)) return;
      writeSync(1, `${phase}\n`);
      process.kill(process.pid, 'SIGSTOP');
    }),
    onNudgeFailed: () => undefined,
    onRemoved: () => undefined,
    lock: LOCK,
  },
  new AbortController().signal,
);
