import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { decodeBody, type FieldValidation } from '../decode/object.ts';
import { resourceName } from '../kinds/kind.ts';
import { create } from '../operations/create.ts';
import { type Deleted, remove } from '../operations/delete.ts';
import { isDryRun, parseDeleteOptions } from '../operations/delete-options.ts';
import { expire } from '../operations/expire.ts';
import { list } from '../operations/list.ts';
import { parseGetVersion, parseListOptions } from '../operations/list-options.ts';
import { PATCH_TYPES, parsePatch, patch } from '../operations/patch.ts';
import { keyOf, type Target, tableOf } from '../operations/target.ts';
import { checkNamespace, update } from '../operations/update.ts';
import { futureVersion, invalid, methodNotAllowed, notFound, unsupportedPatch } from '../status.ts';
import type { Store } from '../store/store.ts';
import { unsupportedValue } from '../validation/field-error.ts';
import { mediaType, readBody, requireJson } from './body.ts';
import type { Reply } from './reply.ts';
import type { ResourcePath } from './request.ts';
import { serveWatch } from './watch-stream.ts';

/** How long a read waits for a resourceVersion that the server has not reached, in milliseconds. */
const FUTURE_WAIT = 3_000;

export interface ResourceRequest {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly path: ResourcePath;
  readonly query: URLSearchParams;
  /** Sentences for `Warning` headers: they go with an error too. */
  readonly warnings: string[];
  /** Ends watches. */
  readonly signal: AbortSignal;
}

/** Answers requests for resources. Null: the response was a stream and is over. */
export class ResourceHandler {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  /** @throws StatusError */
  handle(call: ResourceRequest): Promise<Reply | null> {
    const { path } = call;
    const collection = path.name === null;
    switch (call.request.method) {
      case 'GET':
        return collection ? this.#collection(call) : this.#get(call);
      case 'POST':
        // Only inside a namespace, where the kind is in one.
        if (!collection || (path.kind.namespaced && path.namespace === null)) throw methodNotAllowed();
        return this.#create(call);
      case 'PUT':
        if (collection) throw methodNotAllowed();
        return this.#update(call);
      case 'PATCH':
        if (collection) throw methodNotAllowed();
        return this.#patch(call);
      case 'DELETE':
        if (!path.kind.namespaced || path.namespace === null || path.subresource !== null)
          throw methodNotAllowed();
        return collection ? this.#deleteCollection(call) : this.#delete(call);
      default:
        throw methodNotAllowed();
    }
  }

  async #get({ path, query, signal }: ResourceRequest): Promise<Reply> {
    const version = query.get('resourceVersion') ?? '';
    if (version !== '') await this.#reach(parseGetVersion(version), signal);
    const target = targetOf(path);
    const object = this.#store.get(keyOf(target));
    if (object === undefined) throw notFound(resourceName(target.kind), target.name);
    return { code: 200, body: object };
  }

  async #collection({ path, query, response, signal }: ResourceRequest): Promise<Reply | null> {
    const { kind, namespace } = path;
    const options = parseListOptions(query, kind);
    const version = options.resourceVersion ?? 0;
    if (!options.watch) {
      await this.#reach(version, signal);
      return { code: 200, body: list(this.#store, kind, namespace, options) };
    }
    if (options.sendInitialEvents === true) await this.#reach(version, signal);
    await serveWatch(this.#store, kind, namespace, options, response, signal);
    return null;
  }

  async #create({ request, path, query, warnings }: ResourceRequest): Promise<Reply> {
    requireJson(request);
    const dryRun = isDryRun('CreateOptions', query.getAll('dryRun'));
    const { object, warnings: unknown } = decodeBody(
      await readBody(request),
      path.kind,
      fieldValidation(query, 'CreateOptions'),
    );
    warnings.push(...unknown);
    const target = targetOf(path);
    checkNamespace(target.namespace, object.metadata);
    const now = Date.now();
    const body = await this.#store.transact((draft) => {
      if (path.kind.lifetime !== null)
        expire(draft, path.kind, this.#store.list(tableOf(path.kind), null), now);
      return create(draft, target, object, now);
    }, dryRun);
    return { code: 201, body };
  }

  async #update({ request, path, query, warnings }: ResourceRequest): Promise<Reply> {
    requireJson(request);
    const dryRun = isDryRun('UpdateOptions', query.getAll('dryRun'));
    const { object, warnings: unknown } = decodeBody(
      await readBody(request),
      path.kind,
      fieldValidation(query, 'UpdateOptions'),
    );
    warnings.push(...unknown);
    const target = targetOf(path);
    checkNamespace(target.namespace, object.metadata);
    const options = { status: path.subresource === 'status', now: Date.now() };
    const updated = await this.#store.transact((draft) => update(draft, target, object, options), dryRun);
    return { code: updated.created ? 201 : 200, body: updated.object };
  }

  async #patch({ request, path, query, warnings }: ResourceRequest): Promise<Reply> {
    const type = PATCH_TYPES[mediaType(request)];
    if (type === undefined) throw unsupportedPatch();
    const dryRun = isDryRun('PatchOptions', query.getAll('dryRun'));
    const validation = fieldValidation(query, 'PatchOptions');
    const document = parsePatch(type, await readBody(request));
    const options = { status: path.subresource === 'status', now: Date.now(), validation, warnings };
    const patched = await this.#store.transact(
      (draft) => patch(draft, targetOf(path), type, document, options),
      dryRun,
    );
    return { code: 200, body: patched };
  }

  async #delete({ request, path, query }: ResourceRequest): Promise<Reply> {
    const { dryRun, ...options } = parseDeleteOptions(await readBody(request), query, Date.now());
    const target = targetOf(path);
    const deleted = await this.#store.transact((draft) => remove(draft, target, options), dryRun);
    return { code: 200, body: deletionBody(target, deleted) };
  }

  async #deleteCollection({ request, path, query }: ResourceRequest): Promise<Reply> {
    const { kind, namespace } = path;
    const { dryRun, ...options } = parseDeleteOptions(await readBody(request), query, Date.now());
    const selection = parseListOptions(query, kind);
    const chosen = this.#store.list(tableOf(kind), namespace).filter(selection.selects);
    const body = list(this.#store, kind, namespace, selection);
    await this.#store.transact((draft) => {
      for (const { metadata } of chosen) {
        const target = { kind, namespace: namespace ?? '', name: metadata.name };
        if (draft.get(keyOf(target)) !== undefined) remove(draft, target, options);
      }
    }, dryRun);
    return { code: 200, body };
  }

  /** Waits until the store has reached `revision`. @throws StatusError 504 */
  async #reach(revision: number, signal: AbortSignal): Promise<void> {
    if (revision <= this.#store.revision) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const unsubscribe = this.#store.subscribe((change) => {
      if (change.revision >= revision) resolve();
    });
    const stop = new AbortController();
    const overdue = sleep(FUTURE_WAIT, undefined, { signal: AbortSignal.any([signal, stop.signal]) });
    try {
      await Promise.race([promise, overdue.catch(() => undefined)]);
    } finally {
      stop.abort();
      unsubscribe();
    }
    if (revision > this.#store.revision) throw futureVersion(revision, this.#store.revision);
  }
}

const targetOf = ({ kind, namespace, name }: ResourcePath): Target => ({
  kind,
  namespace: namespace ?? '',
  name: name ?? '',
});

function deletionBody({ kind, name }: Target, { object, gone }: Deleted): object {
  if (!gone || kind.returnsDeleted) return object;
  return {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Success',
    details: {
      name,
      ...(kind.group === '' ? {} : { group: kind.group }),
      kind: kind.plural,
      uid: object.metadata.uid,
    },
  };
}

/** @throws StatusError 422 */
function fieldValidation(query: URLSearchParams, options: string): FieldValidation {
  const value = query.get('fieldValidation') ?? '';
  if (value === '') return 'Warn';
  if (value === 'Ignore' || value === 'Warn' || value === 'Strict') return value;
  const error = unsupportedValue('fieldValidation', value, ['', 'Ignore', 'Strict', 'Warn']);
  throw invalid({ group: 'meta.k8s.io', name: options }, '', [error]);
}
