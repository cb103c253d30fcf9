import { type Kind, resourceName } from '../kinds/kind.ts';
import { namespace as namespaceKind } from '../kinds/namespace.ts';
import type { ApiObject } from '../objects.ts';
import { notFound } from '../status.ts';
import type { StoreKey } from '../store/change.ts';
import type { Draft } from '../store/draft.ts';

/** What a request is about. `namespace` is empty for kinds that are in none. */
export interface Target {
  readonly kind: Kind;
  readonly namespace: string;
  readonly name: string;
}

/** The name of a kind's table in the store: `plural.group`. */
export const tableOf = (kind: Kind): string =>
  kind.group === '' ? kind.plural : `${kind.plural}.${kind.group}`;

export const keyOf = ({ kind, namespace, name }: Target): StoreKey => ({
  resource: tableOf(kind),
  namespace,
  name,
});

/** @throws StatusError 404 */
export function existing(draft: Draft, target: Target): ApiObject {
  const object = draft.get(keyOf(target));
  if (object === undefined) throw notFound(resourceName(target.kind), target.name);
  return object;
}

/** The NamespaceLifecycle admission plugin: nothing is created in a namespace that is not there. */
export function requireNamespace(draft: Draft, { kind, namespace }: Target): void {
  if (!kind.namespaced) return;
  existing(draft, { kind: namespaceKind, namespace: '', name: namespace });
}
