import type { Source } from './configuration.ts';
import type { Problem } from './errors.ts';
import { type Layer, recordSource } from './layer.ts';
import { nearest } from './nearest.ts';
import { allSettings, type Setting } from './settings.ts';
import { put, type Tree } from './tree.ts';
import { readWritten } from './written-value.ts';

/** What flags say: `path=value` each, the later one wins. `postgres.parameters.work_mem=64MB` sets one entry. */
export function flagsLayer(flags: readonly string[]): Layer {
  const tree: Tree = {};
  const sources = new Map<string, Source>();
  const problems: Problem[] = [];

  for (const flag of flags) {
    const equals = flag.indexOf('=');
    const path = (equals < 0 ? flag : flag.slice(0, equals)).trim();
    const refuse = (message: string) => problems.push({ path, message, source: '--set' });
    if (equals < 0) {
      refuse('given no value; allowed: --set path=value');
      continue;
    }
    const place = placeOf(path);
    if (place === null) {
      refuse(`no setting has this name${didYouMean(path)}`);
      continue;
    }
    const written = flag.slice(equals + 1);
    const value = place.entry === null ? readWritten(place.setting, written) : written;
    const keys = place.entry === null ? place.setting.keys : [...place.setting.keys, place.entry];
    put(tree, keys, value);
    recordSource(sources, keys.join('.'), value, { kind: 'flag', detail: `--set ${path}` });
  }
  return { tree, sources, problems };
}

/** The setting of a path, and the key where the path goes on into a map (its keys may have dots). */
function placeOf(path: string): { setting: Setting; entry: string | null } | null {
  for (const setting of allSettings()) {
    if (setting.path === path) return { setting, entry: null };
    if (setting.kind === 'map' && path.startsWith(`${setting.path}.`)) {
      return { setting, entry: path.slice(setting.path.length + 1) };
    }
  }
  return null;
}

/** `; did you mean ha.leaseDuration?` for a path that no setting has, or nothing. */
export function didYouMean(path: string): string {
  const all = allSettings();
  const near = nearest(
    path,
    all.map((setting) => setting.path),
  );
  if (near !== null) return `; did you mean ${near}?`;
  const last = path.split('.').at(-1) ?? path;
  const nearLast = nearest(
    last,
    all.map((setting) => setting.keys.at(-1) ?? ''),
  );
  const elsewhere = all.filter((setting) => setting.keys.at(-1) === nearLast).map((setting) => setting.path);
  return elsewhere.length === 0 ? '' : `; did you mean ${elsewhere.join(' or ')}?`;
}
