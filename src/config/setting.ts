import * as z from 'zod';

/** How a change of a setting takes effect in a running member. */
export type Effect =
  | 'at once'
  | 'needs a reload of Postgres'
  | 'needs a restart of Postgres'
  | 'needs a restart of the agent'
  | 'is used only once, when the cluster is made';

/** How a value given as text (environment, flags) is read. */
export type Kind = 'text' | 'number' | 'boolean' | 'text or number' | 'list' | 'map';

/** What is known of one setting besides its schema. */
export interface SettingMeta {
  readonly description: string;
  readonly effect: Effect;
  readonly kind: Kind;
  /** What is allowed: the end of the sentence "allowed: …". */
  readonly allowed: string;
  readonly nullable: boolean;
  /** What the text of a value measures: durations are read as milliseconds, sizes as bytes. */
  readonly unit?: 'duration' | 'size';
  /** In words, where the default depends on the member or on other settings. */
  readonly derivedDefault?: string;
}

/** Every setting (a leaf of the schema). A schema that is not in here is a section. */
export const settings = z.registry<SettingMeta>();

/** Makes a leaf of the schema: its description also goes into the JSON Schema. */
export function setting<T extends z.ZodType>(schema: T, meta: SettingMeta): T {
  const described = schema.meta({ description: meta.description }) as T;
  settings.add(described, meta);
  return described;
}

/** A section: unknown keys are refused, and one that is left out has the defaults of its settings. */
export function section<S extends z.ZodRawShape>(description: string, shape: S) {
  const object = z.strictObject(shape);
  return z.prefault(object, {} as z.input<typeof object>).meta({ description });
}
