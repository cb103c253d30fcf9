import type { Kind } from '../kinds/kind.ts';
import { findKind, KINDS } from '../kinds/registry.ts';

/** A path of the API that names a resource, or one object of it. */
export interface ResourcePath {
  readonly kind: Kind;
  /** Null: of all namespaces (or of none, where the kind is in none). */
  readonly namespace: string | null;
  /** Null: the collection. */
  readonly name: string | null;
  readonly subresource: 'status' | null;
}

export type ParsedPath =
  | { readonly type: 'resource'; readonly path: ResourcePath }
  /** A known group, but nothing in it. */
  | { readonly type: 'no-resource' }
  | { readonly type: 'other' };

/** Reads `/api/v1/…` and `/apis/GROUP/VERSION/…`. */
export function parsePath(pathname: string): ParsedPath {
  const parts = pathname.split('/').slice(1).map(decode);
  if (parts.at(-1) === '') parts.pop();
  const [root, ...rest] = parts;
  const [group, version, segments] =
    root === 'api' ? ['', rest[0] ?? '', rest.slice(1)] : [rest[0] ?? '', rest[1] ?? '', rest.slice(2)];
  const known = KINDS.some((kind) => kind.group === group && kind.version === version);
  if ((root !== 'api' && root !== 'apis') || !known || segments.length === 0) return { type: 'other' };
  const path = resourcePath(group, version, segments);
  return path === null ? { type: 'no-resource' } : { type: 'resource', path };
}

function resourcePath(group: string, version: string, segments: readonly string[]): ResourcePath | null {
  const [first = '', second, third, ...tail] = segments;
  // `namespaces/NAME` is a namespace itself; `namespaces/NAME/RESOURCE…` is inside it.
  if (first === 'namespaces' && second !== undefined && third !== undefined) {
    return within(findKind(group, version, third), second, tail);
  }
  const kind = findKind(group, version, first);
  if (kind === undefined) return null;
  if (kind.namespaced)
    return second === undefined ? { kind, namespace: null, name: null, subresource: null } : null;
  return { kind, namespace: null, name: second ?? null, subresource: null };
}

function within(kind: Kind | undefined, namespace: string, tail: readonly string[]): ResourcePath | null {
  const [name = null, subresource, ...more] = tail;
  if (!kind?.namespaced || more.length > 0) return null;
  if (subresource === undefined) return { kind, namespace, name, subresource: null };
  return subresource === 'status' && kind.hasStatus ? { kind, namespace, name, subresource } : null;
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part; // A broken escape names nothing that exists.
  }
}
