import { statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { Spool } from '../../archive/spool.ts';
import { keepWal } from '../../archive/wal/keep-wal.ts';
import type { Configuration } from '../../config/configuration.ts';
import type { Context } from '../context.ts';
import type { Log } from '../log.ts';

/** Milliseconds. Reading a segment to hash it takes a few hundredths of a second; a member must return. */
const KEEP_WITHIN = 120_000;

/** `Context.keepWal` for a configuration. */
export function keepingWal({ archive, volume }: Configuration, log: Log): Context['keepWal'] {
  if (archive.url === null) return null;
  return async (until, ended) => {
    const signal = AbortSignal.any([ended, AbortSignal.timeout(KEEP_WITHIN)]);
    try {
      const { bavail, bsize } = await statfs(volume);
      const walDirectory = join(volume, 'data', 'pg_wal');
      const where = { walDirectory, kept: new Spool(volume).kept, until, free: bavail * bsize };
      const { kept, left } = await keepWal({ ...where, signal });
      if (kept.length > 0)
        log.info(
          { event: 'archive.kept', files: kept },
          `${kept.length} segments that are not archived are set aside`,
        );
      if (left.length > 0)
        log.warn(
          { event: 'archive.not-kept', files: left },
          `${left.length} segments that are not archived could not be set aside: the archive may lack them for ever`,
        );
    } catch (error) {
      // Without this member's return the cluster is weaker: that counts for more than a gap in the archive.
      log.warn({ event: 'archive.not-kept', err: error }, 'WAL that is not archived could not be set aside');
    }
  };
}
