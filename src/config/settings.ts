import * as z from 'zod';
import { schema } from './schema.ts';
import { type SettingMeta, settings } from './setting.ts';

/** A setting with its place in the configuration. */
export interface Setting extends SettingMeta {
  readonly keys: readonly string[];
  /** The keys with dots between: `ha.leaseDuration`. */
  readonly path: string;
  /** The environment variable: `PGWARDEN_HA_LEASE_DURATION`. */
  readonly variable: string;
  /** As it would be written in a file; undefined where the setting must be given. */
  readonly byDefault: unknown;
}

/** A section with its place, its own description and the keys in it. */
export interface Section {
  readonly path: string;
  readonly description: string;
  readonly keys: readonly string[];
}

interface Listing {
  readonly settings: readonly Setting[];
  readonly sections: readonly Section[];
}

let listing: Listing | null = null;

/** Every setting, in the order of the schema. */
export function allSettings(): readonly Setting[] {
  return list().settings;
}

/** Every section, in the order of the schema; the first is the configuration itself (path ''). */
export function allSections(): readonly Section[] {
  return list().sections;
}

/** The setting at a path, or null. */
export function settingAt(path: string): Setting | null {
  return allSettings().find((setting) => setting.path === path) ?? null;
}

/** The setting that a path lies in: itself, or the map or list that it is an entry of. */
export function settingAround(path: string): Setting | null {
  return (
    allSettings().find(
      (setting) =>
        setting.path === path ||
        ((setting.kind === 'map' || setting.kind === 'list') && path.startsWith(`${setting.path}.`)),
    ) ?? null
  );
}

/** `['http', 'tokenFile']` → `PGWARDEN_HTTP_TOKEN_FILE`. */
export function variableOf(keys: readonly string[]): string {
  const words = keys.map((key) => key.replaceAll(/([a-z0-9])([A-Z])/g, '$1_$2').toUpperCase());
  return `PGWARDEN_${words.join('_')}`;
}

function list(): Listing {
  if (listing === null) {
    const found = { settings: [] as Setting[], sections: [] as Section[] };
    walk(schema, [], found);
    listing = found;
  }
  return listing;
}

function walk(
  node: z.core.$ZodType,
  keys: readonly string[],
  found: { settings: Setting[]; sections: Section[] },
) {
  const meta = settings.get(node);
  if (meta !== undefined) {
    found.settings.push({
      ...meta,
      keys,
      path: keys.join('.'),
      variable: variableOf(keys),
      byDefault: defaultOf(node),
    });
    return;
  }
  const object = node instanceof z.ZodPrefault ? node.unwrap() : node;
  if (!(object instanceof z.ZodObject))
    throw new TypeError(`neither a setting nor a section: ${keys.join('.')}`);
  found.sections.push({
    path: keys.join('.'),
    description: z.globalRegistry.get(node)?.description ?? '',
    keys: Object.keys(object.shape),
  });
  for (const [key, inner] of Object.entries(object.shape))
    walk(inner as z.core.$ZodType, [...keys, key], found);
}

function defaultOf(node: z.core.$ZodType): unknown {
  if (node instanceof z.ZodDefault || node instanceof z.ZodPrefault) return node.def.defaultValue;
  return undefined;
}
