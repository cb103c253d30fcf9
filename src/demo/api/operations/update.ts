import { sameJson } from '../json.ts';
import { kindName, resourceName } from '../kinds/kind.ts';
import { type ApiObject, asJson, atVersion, type ObjectMeta } from '../objects.ts';
import { badRequest, conflict, invalid, notFound } from '../status.ts';
import type { Draft } from '../store/draft.ts';
import { invalidField } from '../validation/field-error.ts';
import { validateGenericMeta, validateObjectMetaUpdate } from '../validation/object-meta.ts';
import { create } from './create.ts';
import { keyOf, type Target } from './target.ts';

/** The real server's sentence for a lost race. */
export const MODIFIED =
  'the object has been modified; please apply your changes to the latest version and try again';

export interface UpdateOptions {
  /** Through the status subresource. */
  readonly status: boolean;
  /** Unix time in milliseconds. */
  readonly now: number;
}

/** What an update did. */
export interface Updated {
  readonly object: ApiObject;
  readonly created: boolean;
}

/**
 * PUT: replaces the object, if it is still at the resourceVersion that the new one carries.
 * @throws StatusError 400, 404, 409 Conflict, 422
 */
export function update(draft: Draft, target: Target, object: ApiObject, options: UpdateOptions): Updated {
  checkNames(target, object.metadata);
  const { kind, name } = target;
  const old = draft.get(keyOf(target));
  const { uid } = object.metadata;
  if (uid !== undefined && uid !== (old?.metadata.uid ?? '') && (old !== undefined || kind.createsOnUpdate)) {
    throw conflict(resourceName(kind), name, uidMismatch(target, uid, old?.metadata.uid ?? ''));
  }
  if (old !== undefined) return { object: replace(draft, target, object, old, options), created: false };
  if (!kind.createsOnUpdate || options.status) throw notFound(resourceName(kind), name);
  return { object: create(draft, target, object, options.now), created: true };
}

/** The part of an update that PUT and PATCH share: `old` is there. */
export function replace(
  draft: Draft,
  target: Target,
  object: ApiObject,
  old: ApiObject,
  options: UpdateOptions,
): ApiObject {
  const { kind, name } = target;
  const { resourceVersion = '0' } = object.metadata;
  if (resourceVersion === '0' && !kind.updatesUnconditionally) {
    const error = invalidField('metadata.resourceVersion', 0, 'must be specified for an update');
    throw invalid(resourceName(kind), name, [error]);
  }
  if (resourceVersion !== '0' && resourceVersion !== old.metadata.resourceVersion) {
    throw conflict(resourceName(kind), name, MODIFIED);
  }
  const metadata = keptFields(object.metadata, old.metadata);
  const prepared = kind.prepareForUpdate({ ...object, metadata }, old, options.status);
  const errors = [
    ...validateGenericMeta(prepared.metadata, kind.namespaced),
    ...validateObjectMetaUpdate(prepared.metadata, old.metadata),
    ...kind.validateUpdate(prepared, old),
  ];
  if (errors.length > 0) throw invalid(kindName(kind), name, errors);
  const key = keyOf(target);
  if (endsDeletion(prepared.metadata)) {
    draft.delete(key, old);
    return atVersion(prepared, Number(old.metadata.resourceVersion));
  }
  const unchanged = atVersion(prepared, Number(old.metadata.resourceVersion));
  return sameJson(asJson(unchanged), asJson(old)) ? old : draft.put(key, prepared);
}

/** What no update changes. */
function keptFields(given: ObjectMeta, old: ObjectMeta): ObjectMeta {
  const { generation: _generation, ...changeable } = given;
  const namespace = given.namespace ?? old.namespace;
  const deletion = old.deletionTimestamp ?? given.deletionTimestamp;
  const grace = given.deletionGracePeriodSeconds ?? old.deletionGracePeriodSeconds;
  return {
    ...changeable,
    ...(namespace === undefined ? {} : { namespace }),
    uid: given.uid ?? old.uid ?? '',
    resourceVersion: '',
    ...(old.generation === undefined ? {} : { generation: old.generation }),
    creationTimestamp: old.creationTimestamp ?? '',
    ...(deletion === undefined ? {} : { deletionTimestamp: deletion }),
    ...(grace === undefined ? {} : { deletionGracePeriodSeconds: grace }),
  };
}

/** The last finalizer of an object that waits for its deletion is gone. */
const endsDeletion = ({
  deletionTimestamp,
  deletionGracePeriodSeconds = 0,
  finalizers = [],
}: ObjectMeta): boolean =>
  deletionTimestamp !== undefined && deletionGracePeriodSeconds === 0 && finalizers.length === 0;

/** @throws StatusError 400 */
export function checkNames({ namespace, name }: Target, metadata: ObjectMeta): void {
  checkNamespace(namespace, metadata);
  if (metadata.name === '') {
    throw badRequest(
      `the name of the object (${name} based on URL) was undeterminable: name must be provided`,
    );
  }
  if (metadata.name !== name) {
    throw badRequest(
      `the name of the object (${metadata.name}) does not match the name on the URL (${name})`,
    );
  }
}

/** @throws StatusError 400 */
export function checkNamespace(namespace: string, metadata: ObjectMeta): void {
  if (metadata.namespace === undefined || metadata.namespace === namespace) return;
  throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
}

const uidMismatch = ({ kind, namespace, name }: Target, asked: string, found: string): string =>
  `StorageError: invalid object, Code: 4, Key: /registry/${kind.plural}/${namespace === '' ? '' : `${namespace}/`}${name}, ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: UID in precondition: ${asked}, UID in object meta: ${found}`;
