import { isCron, isTimeZone } from '../cron.ts';
import { optionalDuration, optionalWhole, text } from '../leaves.ts';
import { section } from '../setting.ts';

const effect = 'needs a restart of the agent';

export const retention = section(
  'How much of the archive is kept. What either rule keeps stays; without a rule nothing is ever removed. The same on every member.',
  {
    window: optionalDuration(
      { least: '1h', most: '36500d' },
      {
        description: 'Every moment of so much time past can be restored to, e.g. `14d`.',
        derivedDefault: 'none',
        effect,
      },
    ),
    count: optionalWhole(
      { least: 1, most: 10_000 },
      {
        description: 'So many of the newest backups that can be restored are kept.',
        derivedDefault: 'none',
        effect,
      },
    ),
    schedule: text(
      '30 * * * *',
      {
        test: isCron,
        allowed: 'five fields as in cron (minute, hour, day, month, day of the week), or @daily and the like',
      },
      { description: 'When the primary removes what no rule keeps.', effect },
    ),
    timeZone: text(
      'UTC',
      { test: isTimeZone, allowed: 'a time zone of the IANA database, such as Europe/Berlin' },
      { description: 'The time zone of `schedule`.', effect },
    ),
  },
);
