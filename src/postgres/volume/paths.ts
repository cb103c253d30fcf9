import { join } from 'node:path';

/** Where everything lies on a member's volume. Only `data` (PGDATA) is Postgres's own. */
export interface VolumePaths {
  readonly volume: string;
  readonly data: string;
  readonly wal: string;
  /** Settings lie outside PGDATA, since pg_rewind and pg_basebackup copy what is inside. */
  readonly settings: string;
  readonly configurationFile: string;
  readonly hbaFile: string;
  readonly identFile: string;
  readonly passFile: string;
  readonly facts: string;
  /** flock(2) on it proves that nothing of this directory runs, in any container. */
  readonly lock: string;
  readonly incoming: string;
  /** What a restore is making: kept when it is cut off, so that the next goes on. */
  readonly restoring: string;
  readonly aside: string;
  readonly diverged: string;
  /** What a recovery in place set aside, by its id: until a person confirms it, or it comes back. */
  readonly kept: string;
}

/** The layout under `volume`, an absolute path. */
export function volumePaths(volume: string): VolumePaths {
  const settings = join(volume, 'conf');
  return {
    volume,
    data: join(volume, 'data'),
    wal: join(volume, 'data', 'pg_wal'),
    settings,
    configurationFile: join(settings, 'postgresql.conf'),
    hbaFile: join(settings, 'pg_hba.conf'),
    identFile: join(settings, 'pg_ident.conf'),
    passFile: join(settings, 'pgpass'),
    facts: join(volume, 'member'),
    lock: join(volume, 'lock'),
    incoming: join(volume, 'incoming'),
    restoring: join(volume, 'restoring'),
    aside: join(volume, 'aside'),
    diverged: join(volume, 'diverged'),
    kept: join(volume, 'kept'),
  };
}
