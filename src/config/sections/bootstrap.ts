import { boolean, list, optionalText, type Pattern, text } from '../leaves.ts';
import { anyText, storeUrl } from '../patterns.ts';
import { section } from '../setting.ts';

const effect = 'is used only once, when the cluster is made';

const timeWithZone: Pattern = {
  test: (value) =>
    /^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(:\d\d)?(\.\d{1,9})?\s*([Zz]|UTC|[+-]\d\d(:?\d\d)?)$/.test(value) &&
    !Number.isNaN(Date.parse(value.slice(0, 10))),
  allowed: 'a date and time with a zone, such as 2030-01-31 03:00:00+00',
};
const lsn: Pattern = {
  test: (value) => /^[0-9A-Fa-f]{1,8}\/[0-9A-Fa-f]{1,8}$/.test(value),
  allowed: 'a position in WAL as Postgres writes it, such as 0/3000060',
};
const xid: Pattern = {
  test: (value) => /^[1-9]\d{0,9}$/.test(value),
  allowed: 'the number of a transaction',
};
const restorePoint: Pattern = {
  test: (value) => anyText.test(value) && Buffer.byteLength(value) <= 63,
  allowed: 'the name of a restore point, of at most 63 bytes',
};
const timeline: Pattern = {
  test: (value) => value === 'latest' || value === 'current' || /^[1-9]\d{0,9}$/.test(value),
  allowed: 'latest, current, or the number of a timeline',
};
const mapping: Pattern = {
  test: (value) => /^(\/|\d+=)/.test(value) && /[^\\]=\//.test(value),
  allowed: 'OLD=NEW, both absolute paths',
};

export const bootstrap = section('How a cluster begins that has no data yet. The same on every member.', {
  recovery: section(
    'Out of an archive: the first member restores and recovers, the standbys are cloned from it. It becomes a cluster of its own, with an archive of its own.',
    {
      from: optionalText(storeUrl, {
        description:
          'The archive to begin from: of pgwarden, WAL-G or barman-cloud. It is only read. It is reached with the settings of `archive.s3` and the keys of `archive.encryption`; `archive.url` must be another.',
        derivedDefault: 'none: initdb makes the cluster',
        effect,
      }),
      toTime: optionalText(timeWithZone, {
        description: 'Recovers to this time. At most one target; without any: to the end of the archive.',
        effect,
      }),
      toLsn: optionalText(lsn, { description: 'Recovers to this position in WAL.', effect }),
      toXid: optionalText(xid, { description: 'Recovers to the end of this transaction.', effect }),
      toName: optionalText(restorePoint, {
        description: 'Recovers to this restore point (`pg_create_restore_point`).',
        effect,
      }),
      immediate: boolean(false, { description: 'Recovers to the end of the backup.', effect }),
      exclusive: boolean(false, {
        description: 'To just before the time, position or transaction.',
        effect,
      }),
      timeline: text('latest', timeline, {
        description:
          'Which history is followed: `latest`, `current` (that of the backup), or a timeline by its number.',
        effect,
      }),
      backup: optionalText(anyText, {
        description: 'The backup to begin with.',
        derivedDefault: 'the newest from which the target is reached',
        effect,
      }),
      tablespaceMapping: list(mapping, {
        description: 'Places for tablespaces other than where they were: `OLD=NEW` each.',
        effect,
      }),
    },
  ),
});
