import type { Source } from './configuration.ts';
import type { Problem } from './errors.ts';
import { allSettings } from './settings.ts';
import { isTree, type Tree } from './tree.ts';

/** What one origin (the file, the environment, the flags) says, and what is wrong with it already. */
export interface Layer {
  readonly tree: Tree;
  /** By path, of everything that `tree` has: settings, and the entries of maps and lists. */
  readonly sources: ReadonlyMap<string, Source>;
  readonly problems: readonly Problem[];
}

/** Records one source for a value and everything in it. */
export function recordSource(
  sources: Map<string, Source>,
  path: string,
  value: unknown,
  source: Source,
): void {
  sources.set(path, source);
  const entries = Array.isArray(value) ? value.entries() : isTree(value) ? Object.entries(value) : [];
  for (const [key, inner] of entries) recordSource(sources, `${path}.${key}`, inner, source);
}

/** The sources of all layers together, the later one first. A list is replaced as a whole, a map by entry. */
export function mergeSources(layers: readonly Layer[]): Map<string, Source> {
  const lists = allSettings().filter((setting) => setting.kind === 'list');
  const merged = new Map<string, Source>();
  for (const { sources } of layers) {
    for (const list of lists) {
      if (!sources.has(list.path)) continue;
      for (const path of merged.keys()) if (path.startsWith(`${list.path}.`)) merged.delete(path);
    }
    for (const [path, source] of sources) merged.set(path, source);
  }
  return merged;
}
