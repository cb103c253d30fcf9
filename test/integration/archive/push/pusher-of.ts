import { Spool } from '../../../../src/archive/spool.ts';
import type { WalArchive } from '../../../../src/archive/wal/push-file.ts';
import { Pusher } from '../../../../src/archive/wal/pusher.ts';
import { ReadyFiles } from '../../../../src/archive/wal/ready-files.ts';
import { lsnAt } from '../../../../src/ha/lsn.ts';
import { timelineId } from '../../../../src/ha/units.ts';
import { SEGMENT } from '../postgres.ts';

/** What an agent of a settled primary pushes with, one file after the other. Throws what a push fails with. */
export function pusherOf({
  volume,
  wal,
  archive,
  onPushed,
}: {
  readonly volume: string;
  readonly wal: string;
  readonly archive: WalArchive;
  onPushed(file: string, outcome: string): void;
}): Pusher {
  const reach = { timeline: timelineId(1), forks: [], confirmed: lsnAt(2 ** 40) };
  return new Pusher({
    walDirectory: wal,
    spool: new Spool(volume),
    ready: new ReadyFiles(wal),
    archive: async () => archive,
    permission: () => ({ reach, age: 0 }),
    segmentBytes: () => SEGMENT,
    parallel: 1,
    onPushed,
    onFailed: (file, error) => {
      throw new Error(`${file}: ${error.message}`, { cause: error });
    },
    onUnmarked: (file, error) => {
      throw new Error(`${file} has no mark`, { cause: error });
    },
  });
}
