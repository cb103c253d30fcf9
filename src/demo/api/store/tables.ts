import { isObject, type JsonValue } from '../json.ts';
import { type ApiObject, atVersion } from '../objects.ts';
import { type Change, keyPath, type StoreKey } from './change.ts';

/** The objects by resource and key, and how they are written to and read from disk. */
export class Tables {
  readonly #tables = new Map<string, Map<string, ApiObject>>();

  /** From the objects of a snapshot. */
  static load(snapshot: readonly JsonValue[]): Tables {
    const tables = new Tables();
    for (const entry of snapshot) {
      if (!isObject(entry)) continue;
      const object = entry.object as unknown as ApiObject;
      tables.#table(String(entry.resource)).set(keyPath(keyOf(String(entry.resource), object)), object);
    }
    return tables;
  }

  /** One transaction as a line of the log. A deletion needs only its key. */
  static record(changes: readonly Change[]): object {
    return {
      changes: changes.map(({ revision, key, type, object }) =>
        type === 'put'
          ? { revision, resource: key.resource, object }
          : { revision, resource: key.resource, deleted: { namespace: key.namespace, name: key.name } },
      ),
    };
  }

  get(key: StoreKey): ApiObject | undefined {
    return this.#tables.get(key.resource)?.get(keyPath(key));
  }

  list(resource: string, namespace: string | null): readonly ApiObject[] {
    const prefix = namespace === null ? '' : `${namespace}/`;
    return [...(this.#tables.get(resource) ?? [])]
      .filter(([path]) => path.startsWith(prefix))
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([, object]) => object);
  }

  /** Everything, as a snapshot holds it. */
  all(): readonly object[] {
    return [...this.#tables].flatMap(([resource, table]) =>
      [...table.values()].map((object) => ({ resource, object })),
    );
  }

  apply({ key, type, object }: Change): void {
    if (type === 'put') this.#table(key.resource).set(keyPath(key), object);
    else this.#table(key.resource).delete(keyPath(key));
  }

  /** Applies a line of the log, and returns its changes as watches saw them. */
  replay(record: Record<string, JsonValue>): readonly Change[] {
    const entries = Array.isArray(record.changes) ? record.changes.filter(isObject) : [];
    return entries.flatMap((entry) => {
      const resource = String(entry.resource);
      const revision = Number(entry.revision);
      const change = isObject(entry.deleted)
        ? this.#deletion(resource, revision, String(entry.deleted.namespace), String(entry.deleted.name))
        : this.#putting(resource, revision, entry.object as unknown as ApiObject);
      if (change === null) return [];
      this.apply(change);
      return [change];
    });
  }

  #putting(resource: string, revision: number, object: ApiObject): Change {
    const key = keyOf(resource, object);
    return { revision, key, type: 'put', object, previous: this.get(key) ?? null };
  }

  #deletion(resource: string, revision: number, namespace: string, name: string): Change | null {
    const key = { resource, namespace, name };
    const last = this.get(key);
    return last === undefined
      ? null
      : { revision, key, type: 'delete', object: atVersion(last, revision), previous: last };
  }

  #table(resource: string): Map<string, ApiObject> {
    const known = this.#tables.get(resource);
    if (known !== undefined) return known;
    const table = new Map<string, ApiObject>();
    this.#tables.set(resource, table);
    return table;
  }
}

const keyOf = (resource: string, { metadata: { namespace = '', name } }: ApiObject): StoreKey => ({
  resource,
  namespace,
  name,
});
