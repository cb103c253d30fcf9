import type { ApiObject } from '../objects.ts';

/** Where an object is kept. `resource` is `plural.group`; `namespace` is empty for what is in none. */
export interface StoreKey {
  readonly resource: string;
  readonly namespace: string;
  readonly name: string;
}

/** One step of the store, under a revision of its own. */
export interface Change {
  readonly revision: number;
  readonly key: StoreKey;
  readonly type: 'put' | 'delete';
  /** The new state; of a deleted object the last one, under the revision of the deletion. */
  readonly object: ApiObject;
  readonly previous: ApiObject | null;
}

/** The order of a list: that of etcd's keys. */
export const keyPath = ({ namespace, name }: StoreKey): string =>
  namespace === '' ? name : `${namespace}/${name}`;
