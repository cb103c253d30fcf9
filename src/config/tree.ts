/** A configuration as it was given: nested maps, lists and scalars, checked by nothing yet. */
export type Tree = { [key: string]: unknown };

export function isTree(value: unknown): value is Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Sets `value` at `path`, making the sections on the way. A prototype's names are ordinary keys. */
export function put(tree: Tree, path: readonly string[], value: unknown): void {
  const [key, ...rest] = path;
  if (key === undefined) return;
  if (rest.length === 0) {
    define(tree, key, value);
    return;
  }
  const inner = own(tree, key);
  const section: Tree = isTree(inner) ? inner : {};
  if (section !== inner) define(tree, key, section);
  put(section, rest, value);
}

/** The value at `path`; undefined where there is none. */
export function get(tree: unknown, path: readonly PropertyKey[]): unknown {
  let value = tree;
  for (const key of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
    value = (value as Record<PropertyKey, unknown>)[key];
  }
  return value;
}

/** Both trees in one: sections and maps key by key, everything else from `over` where it has it. */
export function merge(under: Tree, over: Tree): Tree {
  const merged: Tree = { ...under };
  for (const [key, value] of Object.entries(over)) {
    const below = own(merged, key);
    define(merged, key, isTree(below) && isTree(value) ? merge(below, value) : value);
  }
  return merged;
}

function own(tree: Tree, key: string): unknown {
  return Object.hasOwn(tree, key) ? tree[key] : undefined;
}

function define(tree: Tree, key: string, value: unknown): void {
  Object.defineProperty(tree, key, { value, enumerable: true, writable: true, configurable: true });
}
