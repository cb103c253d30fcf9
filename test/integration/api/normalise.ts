import type { Json } from './raw-client.ts';

const UID = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g;
/** What the admission of a whole cluster adds to a pod. */
const ADDED_TO_PODS = ['serviceAccount', 'serviceAccountName', 'automountServiceAccountToken', 'volumes'];

/**
 * Takes out of a transcript what differs between two runs on the same server: ids, times and versions. Ids and the
 * versions of objects become the number of their first appearance, so that "the same as before" is still compared.
 */
export function normalise(transcript: readonly unknown[]): unknown {
  const seen = new Map<string, string>();
  const alias = (kind: string, value: string): string => {
    const key = `${kind} ${value}`;
    const known = seen.get(key);
    if (known !== undefined) return known;
    const name = `${kind}-${seen.size}`;
    seen.set(key, name);
    return name;
  };

  const text = (value: string): string =>
    value
      .replaceAll(UID, (uid) => alias('uid', uid))
      // A 422 of a patch quotes the patched object, of which ours has no managedFields.
      .replace(/patch: Invalid value: "\{.*\}": /, 'patch: Invalid value: {…}: ')
      .replace(/^Invalid value: "\{.*\}": /, 'Invalid value: {…}: ')
      // Go's difference of two structs, after the sentence that counts.
      .replace(/\n@@ .*$/s, '')
      .replace(/(Too large resource version: \d+, current: )\d+/, '$1…')
      .replace(/(too old resource version: \d+ \()\d+/, '$1…')
      .replace(/(does not match the ResourceVersion in record \()\d+/, '$1…')
      .replace(/(accepted media types include:|Available representations:).*$/, '$1 …')
      .replace(/\b(generated[-.])[a-z0-9]{5}\b/g, '$1…');

  const metadata = (value: Json, ofList: boolean): Json => {
    const { managedFields: _managed, ...rest } = value;
    if (typeof rest.resourceVersion === 'string') {
      rest.resourceVersion = ofList ? '…' : alias('version', rest.resourceVersion);
    }
    if (typeof rest.continue === 'string') rest.continue = '…';
    for (const key of ['creationTimestamp', 'deletionTimestamp'])
      if (rest[key] !== undefined) rest[key] = '…';
    return walk(rest);
  };

  const object = (value: Json): Json => {
    const ofList = 'items' in value || value.kind === 'Status' || isBookmark(value);
    const result: Json = {};
    for (const key of Object.keys(value).sort()) {
      const item = value[key];
      if (key === 'metadata' && typeof item === 'object') result[key] = metadata(item, ofList);
      else if (key === 'spec' && value.kind === 'Pod') result[key] = walk(without(item, ADDED_TO_PODS));
      else result[key] = walk(item);
    }
    return result;
  };

  const walk = (value: Json): Json => {
    if (typeof value === 'string') return text(value);
    if (Array.isArray(value)) return value.map(walk);
    return typeof value === 'object' && value !== null ? object(value) : value;
  };
  return transcript.map(walk);
}

const isBookmark = (value: Json): boolean =>
  Object.keys(value.metadata ?? {}).every((key) => key === 'resourceVersion' || key === 'annotations');

const without = (value: Json, keys: readonly string[]): Json =>
  Object.fromEntries(Object.entries(value ?? {}).filter(([key]) => !keys.includes(key)));
