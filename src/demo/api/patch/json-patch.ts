import { isObject, type JsonObject, type JsonValue, sameJson } from '../json.ts';
import { badRequest, unprocessable } from '../status.ts';

/** The most operations that the real server takes in one patch. */
const MOST_OPERATIONS = 10_000;

/**
 * RFC 6902. As in the real server's library, `replace` of a member that an object lacks adds it.
 * @throws StatusError 400 for what is no patch, 422 for one that does not apply.
 */
export function jsonPatch(target: JsonObject, patch: JsonValue): JsonValue {
  if (!Array.isArray(patch)) {
    const kind = isObject(patch) ? 'object' : typeof patch === 'boolean' ? 'bool' : typeof patch;
    throw badRequest(
      `error decoding patch: json: cannot unmarshal ${kind} into Go value of type []handlers.jsonPatchOp`,
    );
  }
  if (patch.length > MOST_OPERATIONS) {
    throw badRequest(
      `The allowed maximum operations in a JSON patch is ${MOST_OPERATIONS}, got ${patch.length}`,
    );
  }
  let document: JsonValue = structuredClone(target);
  for (const operation of patch) {
    if (!isObject(operation)) throw unprocessable();
    document = apply(document, operation);
  }
  return document;
}

function apply(document: JsonValue, operation: JsonObject): JsonValue {
  const path = pointer(operation.path);
  switch (operation.op) {
    case 'add':
      return add(document, path, given(operation));
    case 'replace':
      return replace(document, path, given(operation));
    case 'remove':
      return remove(document, path);
    case 'test':
      if (!sameJson(find(document, path) ?? null, operation.value ?? null)) throw unprocessable();
      return document;
    case 'copy':
      return add(document, path, structuredClone(copied(document, pointer(operation.from))));
    case 'move': {
      const from = pointer(operation.from);
      const value = must(find(document, from));
      return add(remove(document, from), path, value);
    }
    default:
      throw unprocessable();
  }
}

function pointer(path: JsonValue | undefined): readonly string[] {
  if (typeof path !== 'string' || (path !== '' && !path.startsWith('/'))) throw unprocessable();
  return path
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
}

const given = (operation: JsonObject): JsonValue => operation.value ?? null;

function must(value: JsonValue | undefined): JsonValue {
  if (value === undefined) throw unprocessable();
  return value;
}

function step(node: JsonValue | undefined, part: string): JsonValue | undefined {
  if (Array.isArray(node)) return node[index(part, node.length - 1)];
  return isObject(node) && Object.hasOwn(node, part) ? node[part] : undefined;
}

const find = (document: JsonValue, path: readonly string[]): JsonValue | undefined =>
  path.reduce<JsonValue | undefined>(step, document);

/** As in the real server's library, a member that an object lacks is copied as null. */
function copied(document: JsonValue, path: readonly string[]): JsonValue {
  const last = path.at(-1);
  return last === undefined ? document : (step(holder(document, path), last) ?? null);
}

/** The container that holds the last part of `path`. */
function holder(document: JsonValue, path: readonly string[]): JsonObject | JsonValue[] {
  const node = find(document, path.slice(0, -1));
  if (!Array.isArray(node) && !isObject(node)) throw unprocessable();
  return node;
}

function add(document: JsonValue, path: readonly string[], value: JsonValue): JsonValue {
  const last = path.at(-1);
  if (last === undefined) return value;
  const node = holder(document, path);
  if (!Array.isArray(node)) node[last] = value;
  else node.splice(last === '-' ? node.length : index(last, node.length), 0, value);
  return document;
}

function replace(document: JsonValue, path: readonly string[], value: JsonValue): JsonValue {
  const last = path.at(-1);
  if (last === undefined) return value;
  const node = holder(document, path);
  if (Array.isArray(node)) node[index(last, node.length - 1)] = value;
  else node[last] = value;
  return document;
}

function remove(document: JsonValue, path: readonly string[]): JsonValue {
  const last = path.at(-1);
  if (last === undefined) throw unprocessable();
  const node = holder(document, path);
  must(step(node, last));
  if (Array.isArray(node)) node.splice(index(last, node.length - 1), 1);
  else delete node[last];
  return document;
}

function index(part: string, most: number): number {
  const value = Number(part);
  if (!/^\d+$/.test(part) || value > most) throw unprocessable();
  return value;
}
