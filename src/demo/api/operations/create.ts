import { randomInt, randomUUID } from 'node:crypto';
import { timestamp } from '../decode/time.ts';
import { kindName, resourceName } from '../kinds/kind.ts';
import type { ApiObject, ObjectMeta } from '../objects.ts';
import { alreadyExists, invalid, plainError } from '../status.ts';
import type { Draft } from '../store/draft.ts';
import { validateGenericMeta } from '../validation/object-meta.ts';
import { keyOf, requireNamespace, type Target, tableOf } from './target.ts';

/** No vowels and no look-alikes, as in the real server: a random name should not be a word. */
const LETTERS = 'bcdfghjklmnpqrstvwxz2456789';
const RANDOM_LENGTH = 5;
const LONGEST_PREFIX = 63 - RANDOM_LENGTH;
const NAME_TRIES = 8;

/**
 * POST, or a PUT that creates. `now`: Unix time in milliseconds.
 * @throws StatusError 404 (namespace), 409 AlreadyExists, 422; 500 where a resourceVersion was given to a POST.
 */
export function create(draft: Draft, target: Target, object: ApiObject, now: number): ApiObject {
  requireNamespace(draft, target);
  const { kind } = target;
  const metadata = systemFields(draft, target, object.metadata, now);
  const prepared = kind.prepareForCreate({ ...object, metadata });
  for (const errors of [kind.validate(prepared), validateGenericMeta(metadata, kind.namespaced)]) {
    if (errors.length > 0) throw invalid(kindName(kind), metadata.name, errors);
  }
  if (object.metadata.resourceVersion !== undefined && target.name === '') {
    throw plainError('resourceVersion should not be set on objects to be created');
  }
  const key = keyOf({ ...target, name: metadata.name });
  if (draft.get(key) !== undefined) throw alreadyExists(resourceName(kind), metadata.name);
  return draft.put(key, prepared);
}

/** FillObjectMetaSystemFields: what the server alone decides. */
function systemFields(draft: Draft, target: Target, given: ObjectMeta, now: number): ObjectMeta {
  const { name, generateName, labels, annotations, ownerReferences, finalizers, generation } = given;
  return {
    name: name === '' && generateName !== undefined ? freeName(draft, target, generateName) : name,
    ...(generateName === undefined ? {} : { generateName }),
    ...(target.kind.namespaced ? { namespace: target.namespace } : {}),
    uid: randomUUID(),
    resourceVersion: '',
    ...(generation === undefined ? {} : { generation }),
    creationTimestamp: timestamp(now),
    ...(labels === undefined ? {} : { labels }),
    ...(annotations === undefined ? {} : { annotations }),
    ...(ownerReferences === undefined ? {} : { ownerReferences }),
    ...(finalizers === undefined ? {} : { finalizers }),
  };
}

/** A random name that is not taken, or (after as many tries as the real server makes) the last one tried. */
function freeName(draft: Draft, { kind, namespace }: Target, prefix: string): string {
  let name = '';
  for (let tries = 0; tries < NAME_TRIES; tries += 1) {
    const letters = Array.from({ length: RANDOM_LENGTH }, () => LETTERS.charAt(randomInt(LETTERS.length)));
    name = prefix.slice(0, LONGEST_PREFIX) + letters.join('');
    if (draft.get({ resource: tableOf(kind), namespace, name }) === undefined) break;
  }
  return name;
}
