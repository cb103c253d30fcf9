import { isCron, isTimeZone } from '../cron.ts';
import { boolean, choice, duration, optionalText, size, text, whole } from '../leaves.ts';
import { section } from '../setting.ts';

const effect = 'needs a restart of the agent';

export const backup = section('Base backups into the archive. The same on every member.', {
  schedule: optionalText(
    {
      test: isCron,
      allowed: 'five fields as in cron (minute, hour, day, month, day of the week), or @daily and the like',
    },
    {
      description:
        'When backups are taken by themselves, e.g. `0 2 * * *`. One that was missed is taken as soon as there is a primary again, and a cluster without any backup takes its first one at once.',
      derivedDefault: 'none: backups are taken by `pgwarden backup` alone',
      effect,
    },
  ),
  timeZone: text(
    'UTC',
    { test: isTimeZone, allowed: 'a time zone of the IANA database, such as Europe/Berlin' },
    { description: 'The time zone of `schedule`.', effect },
  ),
  incremental: boolean(false, {
    description:
      'Postgres 17 and later keeps summaries of its WAL (`summarize_wal`), by which a backup can take only what changed since the one before: `pgwarden backup --incremental`, and `incrementalSchedule`. Where that cannot be, everything is backed up, and why is told.',
    effect,
  }),
  incrementalSchedule: optionalText(
    {
      test: isCron,
      allowed: 'five fields as in cron (minute, hour, day, month, day of the week), or @daily and the like',
    },
    {
      description:
        'When incremental backups are taken by themselves, beside the whole ones of `schedule`, e.g. `0 * * * *`.',
      derivedDefault: 'none',
      effect,
    },
  ),
  incrementsMost: whole(
    6,
    { least: 1, most: 1000 },
    {
      description:
        'How many increments follow one another at most; the next backup is a whole one. A restore unpacks all of them.',
      effect,
    },
  ),
  from: choice('standby', ['standby', 'primary'], {
    description:
      'Whom a backup is taken from where nobody is named. `standby`: the freshest standby whose acknowledgement counts, or the primary where there is none.',
    effect,
  }),
  parallel: whole(
    2,
    { least: 1, most: 16 },
    {
      description:
        'How many parts are made and uploaded at once. Each takes a thread that reads, and some 60 MB of memory.',
      effect,
    },
  ),
  rate: size(
    '0B',
    { least: 0, most: 1024 ** 4 },
    { description: 'How many bytes of files are read a second, at most. `0B`: as fast as it goes.', effect },
  ),
  verifyChecksums: boolean(true, {
    description:
      'Whether the checksum of every page is verified, where the cluster has checksums. A wrong one fails the backup.',
    effect,
  }),
  walTimeout: duration(
    '1h',
    { least: '1m', most: '7d' },
    {
      description:
        'How long a backup waits at its end for the archive to have the WAL that a restore of it needs.',
      effect,
    },
  ),
});
