import * as z from 'zod';
import { isTarget } from './databases.ts';
import { versionRange } from './version-range.ts';

/** A part of a metric's name, and a label's name (Prometheus, "Metric names and labels"). */
const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

export const USAGES = [
  'LABEL',
  'GAUGE',
  'COUNTER',
  'MAPPEDMETRIC',
  'DURATION',
  'HISTOGRAM',
  'DISCARD',
] as const;

const allowed = (what: string) => ({ error: `allowed: ${what}` });
const statement = (what: string) => z.string(allowed(what)).regex(/\S/, allowed(what));
const name = z.string(allowed('a name')).regex(NAME, allowed('letters, digits and "_", no digit first'));

const column = z
  .strictObject(
    {
      usage: z.preprocess(
        (given) => (typeof given === 'string' ? given.toUpperCase() : given),
        z.enum(USAGES, allowed(USAGES.join(', '))),
      ),
      description: z.string(allowed('a text')).optional(),
      name: name.optional(),
      metric_mapping: z
        .record(z.string(), z.number(allowed('a number')), allowed('a map of texts to numbers'))
        .optional(),
    },
    allowed('a map with usage, and description, name or metric_mapping'),
  )
  .refine(({ usage, metric_mapping }) => (usage === 'MAPPEDMETRIC') === (metric_mapping !== undefined), {
    path: ['metric_mapping'],
    error: 'goes together with usage: MAPPEDMETRIC',
  });

const columns = z
  .array(
    z
      .record(z.string(), column, allowed('a map of one column to what it becomes'))
      .refine((map) => Object.keys(map).length === 1, allowed('one column an item')),
    allowed('a list, an item a column'),
  )
  .nonempty(allowed('at least one column'));

const query = z.strictObject(
  {
    query: statement('one SELECT, WITH, VALUES or TABLE statement'),
    predicate_query: statement('one statement that returns a boolean').optional(),
    metrics: columns,
    primary: z.boolean(allowed('true or false')).optional(),
    master: z.boolean(allowed('true or false')).optional(),
    cache_seconds: z
      .int(allowed('a whole number of seconds'))
      .min(0, allowed('0 or more'))
      .max(86_400 * 7, allowed('at most a week'))
      .optional(),
    runonserver: z
      .string(allowed('a range of versions in quotes, such as ">=14.0.0"'))
      .refine(
        (text) => versionRange(text) !== null,
        allowed('a range of versions, such as ">=14.0.0 <17.0.0" or "15.x || >=17"'),
      )
      .optional(),
    target_databases: z
      .array(
        z
          .string(allowed('the name of a database, or a pattern'))
          .refine(isTarget, allowed('the name of a database, or a pattern such as "shop_*"')),
        allowed('a list of names of databases, or patterns'),
      )
      .optional(),
  },
  allowed('a map with query and metrics'),
);

/** What a file of queries may say. */
export const fileSchema = z.record(
  z.string().regex(NAME, allowed('a name of letters, digits and "_", no digit first')),
  query,
  allowed('a map of names to queries'),
);

export type QueryEntry = z.output<typeof query>;
export const QUERY_KEYS: readonly string[] = Object.keys(query.shape);
export const COLUMN_KEYS: readonly string[] = ['usage', 'description', 'name', 'metric_mapping'];
