import { isCron, isTimeZone } from '../cron.ts';
import { boolean, duration, fraction, map, optionalText, text, whole } from '../leaves.ts';
import { absolutePath, anyText, identifier } from '../patterns.ts';
import { section } from '../setting.ts';

const effect = 'needs a restart of the agent';

export const drill = section(
  'Drills: the newest backup is really restored, beside a standby, and checked. The same on every member.',
  {
    schedule: optionalText(
      {
        test: isCron,
        allowed: 'five fields as in cron (minute, hour, day, month, day of the week), or @daily and the like',
      },
      {
        description: 'When a drill is held, e.g. `0 4 * * *`. One that was missed is held as soon as may be.',
        derivedDefault: 'none: drills are held by `pgwarden drill` alone',
        effect,
      },
    ),
    timeZone: text(
      'UTC',
      { test: isTimeZone, allowed: 'a time zone of the IANA database, such as Europe/Berlin' },
      { description: 'The time zone of `schedule`.', effect },
    ),
    directory: optionalText(absolutePath, {
      description: 'Where the backup is restored to: made for a drill, and removed after it.',
      derivedDefault: '`drill` on the volume of the member',
      effect,
    }),
    keepFree: fraction(
      0.15,
      { least: 0.01, most: 0.9 },
      {
        description:
          'The share of that volume that a drill leaves free. It does not begin, or ends, where less would be.',
        effect,
      },
    ),
    timeout: duration(
      '12h',
      { least: '1m', most: '30d' },
      { description: 'How long a drill may take. One that takes longer has failed.', effect },
    ),
    parallel: whole(
      1,
      { least: 1, most: 16 },
      { description: 'How many parts of the backup are fetched at once.', effect },
    ),
    amcheck: boolean(true, {
      description: 'Whether pg_amcheck looks at every table and B-tree of what was restored.',
      effect,
    }),
    database: text('postgres', identifier, {
      description: 'The database that `checks` are asked of.',
      effect,
    }),
    checks: map(
      { test: (name) => /^[A-Za-z0-9][A-Za-z0-9 _.-]{0,62}$/.test(name), allowed: 'names' },
      anyText,
      {
        description:
          "Queries that what was restored must pass, by a name each: one passes when it gives a row whose first value is neither false nor null, e.g. `recent orders: select max(at) > now() - interval '1 day' from orders`.",
        effect,
      },
    ),
  },
);
