import { type ApiObject, atVersion } from '../objects.ts';
import { type Change, keyPath, type StoreKey } from './change.ts';

/** Reads an object as of the last change that was made. */
export type Lookup = (key: StoreKey) => ApiObject | undefined;

/** The changes of one transaction, each under the next revision, seen by nobody else until they are accepted. */
export class Draft {
  readonly #lookup: Lookup;
  readonly #changes: Change[] = [];
  #revision: number;

  constructor(lookup: Lookup, revision: number) {
    this.#lookup = lookup;
    this.#revision = revision;
  }

  get changes(): readonly Change[] {
    return this.#changes;
  }

  get revision(): number {
    return this.#revision;
  }

  get(key: StoreKey): ApiObject | undefined {
    const own = this.#changes.findLast((change) => sameKey(change.key, key));
    if (own === undefined) return this.#lookup(key);
    return own.type === 'delete' ? undefined : own.object;
  }

  put(key: StoreKey, object: ApiObject): ApiObject {
    return this.#add('put', key, object, this.get(key) ?? null);
  }

  /** Returns the last state under the revision of the deletion. */
  delete(key: StoreKey, last: ApiObject): ApiObject {
    return this.#add('delete', key, last, last);
  }

  #add(type: Change['type'], key: StoreKey, object: ApiObject, previous: ApiObject | null): ApiObject {
    this.#revision += 1;
    const versioned = atVersion(object, this.#revision);
    this.#changes.push({ revision: this.#revision, key, type, object: versioned, previous });
    return versioned;
  }
}

const sameKey = (a: StoreKey, b: StoreKey): boolean => a.resource === b.resource && keyPath(a) === keyPath(b);
