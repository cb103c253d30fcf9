import type { Configuration } from './configuration.ts';
import type { Effect } from './setting.ts';
import { allSettings } from './settings.ts';
import { get, isTree } from './tree.ts';

/** A setting that two configurations differ in. */
export interface Change {
  /** `ha.leaseDuration`; an entry of a map by itself: `postgres.parameters.work_mem`. */
  readonly path: string;
  readonly from: unknown;
  /** Undefined: an entry that is no longer there. */
  readonly to: unknown;
  readonly effect: Effect;
}

/**
 * What changed from one configuration to the next, and what each change needs. A parameter of Postgres counts
 * as a reload: whether it then waits for a restart is told by the server (`pg_settings.pending_restart`).
 */
export function diffConfiguration(from: Configuration, to: Configuration): Change[] {
  return allSettings().flatMap(({ keys, path, kind, effect }) => {
    const before = get(from, keys);
    const after = get(to, keys);
    if (kind !== 'map' || !isTree(before) || !isTree(after)) {
      return same(before, after) ? [] : [{ path, from: before, to: after, effect }];
    }
    const entries = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();
    return entries
      .filter((key) => get(before, [key]) !== get(after, [key]))
      .map((key) => ({
        path: `${path}.${key}`,
        from: get(before, [key]),
        to: get(after, [key]),
        effect,
      }));
  });
}

function same(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
