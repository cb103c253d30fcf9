import { stringify } from 'yaml';
import type { Configuration } from './configuration.ts';
import type { Loaded } from './load.ts';
import { redact } from './redact.ts';
import { allSettings } from './settings.ts';
import { get, put, type Tree } from './tree.ts';
import { formatDuration, formatSize } from './units.ts';

/** The configuration in force, as text for a person or a program. */
export function showConfiguration(loaded: Loaded, format: 'yaml' | 'json', withSources: boolean): string {
  const shown = withSources ? sourcesByPath(loaded) : written(loaded.configuration);
  return format === 'json' ? `${JSON.stringify(shown, null, 2)}\n` : stringify(shown, { lineWidth: 0 });
}

/** A configuration as it would be written in a file, without secrets: durations and sizes have their units. */
export function written(configuration: Configuration): Tree {
  const tree: Tree = {};
  for (const { keys, unit } of allSettings()) {
    const value = get(configuration, keys);
    put(tree, keys, typeof value !== 'number' ? value : withUnit(value, unit));
  }
  return redact(tree);
}

function sourcesByPath({ configuration, sources }: Loaded): Tree {
  const shown = written(configuration);
  const byPath: Tree = {};
  for (const { keys, path, kind } of allSettings()) {
    const value = get(shown, keys);
    const own = { value, source: sources.get(path)?.detail ?? 'default' };
    byPath[path] = kind === 'map' ? { ...own, entries: entrySources(path, value, sources) } : own;
  }
  return byPath;
}

function entrySources(path: string, value: unknown, sources: Loaded['sources']): Record<string, string> {
  const keys = typeof value === 'object' && value !== null ? Object.keys(value) : [];
  return Object.fromEntries(keys.map((key) => [key, sources.get(`${path}.${key}`)?.detail ?? 'default']));
}

function withUnit(value: number, unit: 'duration' | 'size' | undefined): unknown {
  switch (unit) {
    case 'duration':
      return formatDuration(value);
    case 'size':
      return formatSize(value);
    case undefined:
      return value;
  }
}
