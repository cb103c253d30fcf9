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

const union = (target: readonly JsonValue[], patch: readonly JsonValue[]): JsonValue[] => [
  ...target,
  ...patch.filter((value) => !target.some((known) => sameJson(known, value))),
];

function mergeList(
  target: readonly JsonValue[],
  patch: readonly JsonValue[],
  mergeKey: string,
  path: readonly string[],
): JsonValue[] {
  let result = [...target];
  const added: JsonValue[] = [];
  for (const item of patch) {
    if (!isObject(item)) throw badRequest('expected an object in a list with a merge key');
    if (item.$patch === 'replace') {
      return patch.filter((other) => other !== item);
    }
    const key = item[mergeKey];
    if (key === undefined) {
      throw badRequest(`map: ${JSON.stringify(item)} does not contain declared merge key: ${mergeKey}`);
    }
    const same = (known: JsonValue): boolean => isObject(known) && sameJson(known[mergeKey], key);
    if (item.$patch === 'delete') result = result.filter((known) => !same(known));
    else if (result.some(same)) {
      result = result.map((known) =>
        same(known) && isObject(known) ? mergeObject(known, item, path) : known,
      );
    } else added.push(item);
  }
  return [...result, ...added];
}
