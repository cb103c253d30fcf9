import { boolean, choice, list, optionalText, size, text } from '../leaves.ts';
import { absolutePath, anyText, multilineText } from '../patterns.ts';
import { section } from '../setting.ts';

const effect = 'is used only once, when the cluster is made';
const MEGABYTE = 1024 ** 2;

export const initdb = section('How the first member makes the database cluster.', {
  encoding: text('UTF8', anyText, { description: 'The encoding of the databases.', effect }),
  localeProvider: choice('libc', ['libc', 'icu'], {
    description: 'The provider of the default collation. `icu` needs Postgres 15 or later.',
    effect,
  }),
  locale: text('C.UTF-8', anyText, {
    description: 'The locale of the operating system (`initdb --locale`).',
    effect,
  }),
  icuLocale: optionalText(anyText, {
    description: 'The ICU locale, e.g. `en` or `und`: needed where `localeProvider` is `icu`.',
    derivedDefault: 'none',
    effect,
  }),
  dataChecksums: boolean(true, { description: 'Checksums on every page.', effect }),
  walSegmentSize: size(
    '16MB',
    { least: MEGABYTE, most: 1024 * MEGABYTE, powerOfTwo: true },
    {
      description: 'The size of a WAL segment.',
      effect,
    },
  ),
  postInitSql: list(multilineText, {
    description:
      "SQL run once, in order, as the superuser in the application's database after it is made and before any client comes in.",
    effect,
  }),
  postInitSqlFiles: list(absolutePath, {
    description: 'Files of SQL run in the same way, after `postInitSql`.',
    effect,
  }),
});
