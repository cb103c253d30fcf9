import { type ApiObject, atVersion, type ObjectMeta } from '../objects.ts';
import { type Change, keyPath, type StoreKey } from './change.ts';

/** Reads an object as of the last change that was made. */
export type Lookup = (key: StoreKey) => ApiObject | undefined;

/** The changes of one transaction, each under the next revision, seen by nobody else until they are accepted. */
export class Draft {
  readonly #lookup: Lookup;
  readonly #changes: Change[] = [];
  readonly #dryRun: boolean;
  #revision: number;

  /** With `dryRun`, objects keep the version that they had: nothing will be stored. */
  constructor(lookup: Lookup, revision: number, dryRun: boolean) {
    this.#lookup = lookup;
    this.#revision = revision;
    this.#dryRun = dryRun;
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
    const versioned = this.#dryRun
      ? { ...object, metadata: keptVersion(object.metadata, previous) }
      : atVersion(object, this.#revision);
    this.#changes.push({ revision: this.#revision, key, type, object: versioned, previous });
    return versioned;
  }
}

function keptVersion(metadata: ObjectMeta, previous: ApiObject | null): ObjectMeta {
  const { resourceVersion: _none, ...rest } = metadata;
  const version = previous?.metadata.resourceVersion;
  return version === undefined ? rest : { ...rest, resourceVersion: version };
}

const sameKey = (a: StoreKey, b: StoreKey): boolean => a.resource === b.resource && keyPath(a) === keyPath(b);
