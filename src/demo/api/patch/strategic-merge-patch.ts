import { isObject, type JsonObject, type JsonValue, sameJson } from '../json.ts';
import { badRequest } from '../status.ts';

/** Lists that are merged by a key instead of replaced, by the end of their path; `null`: a set of plain values. */
const MERGED_LISTS: Readonly<Record<string, string | null>> = {
  'metadata.finalizers': null,
  'metadata.ownerReferences': 'uid',
  'spec.containers': 'name',
  'spec.initContainers': 'name',
  'spec.volumes': 'name',
  'status.conditions': 'type',
  'status.podIPs': 'ip',
};

/**
 * A strategic merge patch, for what the kinds of this API need: maps are merged, null removes, `$patch: replace` and
 * `$patch: delete`, and lists with a merge key are merged by it. `$setElementOrder`, `$retainKeys` and
 * `$deleteFromPrimitiveList` are refused rather than misread.
 */
export function strategicMergePatch(target: JsonObject, patch: JsonObject): JsonObject {
  return mergeObject(target, patch, []);
}

function mergeObject(target: JsonObject, patch: JsonObject, path: readonly string[]): JsonObject {
  const { $patch: directive, ...changes } = patch;
  if (directive === 'replace') return changes;
  if (directive === 'delete') return {};
  if (directive !== undefined && directive !== 'merge') {
    throw badRequest(`invalid patch type: ${String(directive)}`);
  }
  const result: JsonObject = { ...target };
  for (const [key, value] of Object.entries(changes)) {
    if (key.startsWith('$')) throw badRequest(`the directive ${key} is not supported by this server`);
    if (value === null) delete result[key];
    else result[key] = mergeValue(result[key], value, [...path, key]);
  }
  return result;
}

function mergeValue(target: JsonValue | undefined, patch: JsonValue, path: readonly string[]): JsonValue {
  if (isObject(patch)) return mergeObject(isObject(target) ? target : {}, patch, path);
  const mergeKey = MERGED_LISTS[path.slice(-2).join('.')];
  if (!Array.isArray(patch) || !Array.isArray(target) || mergeKey === undefined) return patch;
  return mergeKey === null ? union(target, patch) : mergeList(target, patch, mergeKey, path);
}

const union = (target: readonly JsonValue[], patch: readonly JsonValue[]): JsonValue[] =>
  interleave(
    target.filter((value) => !patch.some((other) => sameJson(other, value))),
    patch,
    (value) => target.findIndex((known) => sameJson(known, value)),
  );

function mergeList(
  target: readonly JsonValue[],
  patch: readonly JsonValue[],
  mergeKey: string,
  path: readonly string[],
): JsonValue[] {
  const items = patch.map((item) => withKey(item, mergeKey));
  const replaced = items.some((item) => item.$patch === 'replace');
  const written = items.filter((item) => item.$patch !== 'replace' && item.$patch !== 'delete');
  if (replaced) return written;
  const find = (list: readonly JsonValue[], item: JsonValue): number =>
    list.findIndex((other) => isObject(other) && isObject(item) && sameJson(other[mergeKey], item[mergeKey]));
  const merged = written.map((item) => {
    const known = target[find(target, item)];
    return isObject(known) ? mergeObject(known, item, path) : item;
  });
  const untouched = target.filter((item) => find(items, item) === -1);
  return interleave(untouched, merged, (item) => find(target, item));
}

/** @throws StatusError 400 for an item that its list cannot be merged by */
function withKey(item: JsonValue, mergeKey: string): JsonObject {
  if (!isObject(item)) throw badRequest('expected an object in a list with a merge key');
  if (item[mergeKey] === undefined && item.$patch !== 'replace') {
    throw badRequest(`map: ${JSON.stringify(item)} does not contain declared merge key: ${mergeKey}`);
  }
  return item;
}

/**
 * The real server's order of a merged list (mergeSortedSlice): each of the two keeps its own; an untouched item
 * comes before a patched one only where both were there before, in that order.
 */
function interleave(
  untouched: readonly JsonValue[],
  patched: readonly JsonValue[],
  before: (item: JsonValue) => number,
): JsonValue[] {
  const rest = [...untouched];
  const result: JsonValue[] = [];
  for (const item of patched) {
    const place = before(item);
    while (place !== -1 && rest[0] !== undefined && before(rest[0]) < place)
      result.push(...rest.splice(0, 1));
    result.push(item);
  }
  return [...result, ...rest];
}
