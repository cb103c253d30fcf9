import * as z from 'zod';
import type { Millis } from '../ha/units.ts';
import { type Effect, setting } from './setting.ts';
import { formatSize, parseDuration, parseSize } from './units.ts';

/** What every kind of setting is told. */
interface About {
  readonly description: string;
  readonly effect: Effect;
}

interface Optional extends About {
  /** What holds where the setting is null, in words. */
  readonly derivedDefault?: string;
}

/** A text that must match, and what that means in words. */
export interface Pattern {
  readonly test: (value: string) => boolean;
  readonly allowed: string;
}

export function boolean(byDefault: boolean, about: About) {
  return setting(z.boolean().default(byDefault), {
    ...about,
    kind: 'boolean',
    allowed: 'true or false',
    nullable: false,
  });
}

export function whole(byDefault: number, bounds: { least: number; most: number }, about: About) {
  return setting(z.int().min(bounds.least).max(bounds.most).default(byDefault), {
    ...about,
    kind: 'number',
    allowed: `a whole number from ${bounds.least} to ${bounds.most}`,
    nullable: false,
  });
}

export function optionalWhole(bounds: { least: number; most: number }, about: Optional) {
  return setting(z.int().min(bounds.least).max(bounds.most).nullable().default(null), {
    ...about,
    kind: 'number',
    allowed: `a whole number from ${bounds.least} to ${bounds.most}, or null`,
    nullable: true,
  });
}

export function fraction(byDefault: number, bounds: { least: number; most: number }, about: About) {
  return setting(z.number().min(bounds.least).max(bounds.most).default(byDefault), {
    ...about,
    kind: 'number',
    allowed: `a number from ${bounds.least} to ${bounds.most}`,
    nullable: false,
  });
}

export function choice<const T extends readonly [string, ...string[]]>(
  byDefault: T[number],
  values: T,
  about: About,
) {
  return setting(z.enum(values).default(byDefault as never), {
    ...about,
    kind: 'text',
    allowed: values.join(' or '),
    nullable: false,
  });
}

export function text(byDefault: string, pattern: Pattern, about: About) {
  return setting(matching(pattern).default(byDefault), {
    ...about,
    kind: 'text',
    allowed: pattern.allowed,
    nullable: false,
  });
}

export function requiredText(pattern: Pattern, about: About) {
  return setting(matching(pattern), { ...about, kind: 'text', allowed: pattern.allowed, nullable: false });
}

export function optionalText(pattern: Pattern, about: Optional) {
  return setting(matching(pattern).nullable().default(null), {
    ...about,
    kind: 'text',
    allowed: `${pattern.allowed}, or null`,
    nullable: true,
  });
}

/** A duration with its unit, read as milliseconds; defaults and bounds are such texts too. */
export function duration(byDefault: string, bounds: { least: string; most: string }, about: About) {
  return setting(durationBetween(bounds).prefault(byDefault), {
    ...about,
    kind: 'text',
    allowed: allowedDuration(bounds),
    unit: 'duration',
    nullable: false,
  });
}

export function optionalDuration(bounds: { least: string; most: string }, about: Optional) {
  return setting(durationBetween(bounds).nullable().default(null), {
    ...about,
    kind: 'text',
    allowed: `${allowedDuration(bounds)}, or null`,
    unit: 'duration',
    nullable: true,
  });
}

/** A size with its unit as Postgres writes it, read as bytes; bounds are in bytes. */
export function size(
  byDefault: string,
  bounds: { least: number; most: number; powerOfTwo?: true },
  about: About,
) {
  const power = bounds.powerOfTwo ? ', a power of two' : '';
  const schema = z.string().transform((given, context): number => {
    const value = parseSize(given);
    if (
      value === null ||
      value < bounds.least ||
      value > bounds.most ||
      (bounds.powerOfTwo && !Number.isInteger(Math.log2(value)))
    ) {
      context.issues.push({ code: 'custom', input: given });
      return z.NEVER;
    }
    return value;
  });
  return setting(schema.prefault(byDefault), {
    ...about,
    kind: 'text',
    allowed: `a size with its unit (B, kB, MB, GB, TB) from "${formatSize(bounds.least)}" to "${formatSize(bounds.most)}"${power}`,
    unit: 'size',
    nullable: false,
  });
}

/** A list of texts; an item that does not match is named by its index. */
export function list(item: Pattern, about: About) {
  return setting(z.array(matching(item)).default([]), {
    ...about,
    kind: 'list',
    allowed: `a list, each item ${item.allowed}`,
    nullable: false,
  });
}

/** Texts by key. Numbers and booleans are read as their text: YAML makes them of `100` and `on`. */
export function map(key: Pattern, value: Pattern, about: About) {
  const scalar = z
    .union([z.string(), z.number(), z.boolean()])
    .transform(String)
    .refine((given) => value.test(given));
  const record = z.record(
    z.string().refine((given) => key.test(given)),
    scalar,
  );
  return setting(record.default({}), {
    ...about,
    kind: 'map',
    allowed: `a map of ${key.allowed} to ${value.allowed}`,
    nullable: false,
  });
}

function matching(pattern: Pattern) {
  return z.string().refine((given) => pattern.test(given));
}

function durationBetween(bounds: { least: string; most: string }) {
  const least = bound(bounds.least);
  const most = bound(bounds.most);
  return z.string().transform((given, context): Millis => {
    const value = parseDuration(given);
    if (value === null || value < least || value > most) {
      context.issues.push({ code: 'custom', input: given });
      return z.NEVER;
    }
    return value;
  });
}

function allowedDuration(bounds: { least: string; most: string }): string {
  return `a duration with its unit (ms, s, m, h, d) from "${bounds.least}" to "${bounds.most}"`;
}

function bound(given: string): Millis {
  const value = parseDuration(given);
  if (value === null) throw new TypeError(`not a duration: ${given}`);
  return value;
}
