import { isObject, sameJson } from '../json.ts';
import type { ObjectMeta } from '../objects.ts';
import { type FieldError, forbiddenField, invalidField, requiredField, tooLong } from './field-error.ts';
import { dnsLabel, labelValue, type NameRule, pathSegment, qualifiedName } from './names.ts';

const ANNOTATIONS_LIMIT = 256 * 1024;

/** ValidateObjectMeta: what holds of every object, with the rule for names of its kind. */
export function validateObjectMeta(meta: ObjectMeta, namespaced: boolean, nameRule: NameRule): FieldError[] {
  const errors: FieldError[] = [];
  if (meta.generateName !== undefined) {
    // A prefix may end in a dash or dot: something follows. The real rule cuts them off before it looks.
    const prefix = meta.generateName.replace(/[-.]$/, 'a');
    errors.push(
      ...nameRule(prefix).map((message) =>
        invalidField('metadata.generateName', meta.generateName ?? '', message),
      ),
    );
  }
  if (meta.name === '') errors.push(requiredField('metadata.name', 'name or generateName is required'));
  else
    errors.push(...nameRule(meta.name).map((message) => invalidField('metadata.name', meta.name, message)));
  const namespace = meta.namespace ?? '';
  if (!namespaced && namespace !== '') {
    errors.push(forbiddenField('metadata.namespace', 'not allowed on this type'));
  } else if (namespaced && namespace === '') {
    errors.push(requiredField('metadata.namespace'));
  } else if (namespaced) {
    errors.push(
      ...dnsLabel(namespace).map((message) => invalidField('metadata.namespace', namespace, message)),
    );
  }
  errors.push(...validateCommon(meta), ...validateFinalizers(meta));
  return errors;
}

/** ValidateObjectMetaUpdate: what an update may not change. */
export function validateObjectMetaUpdate(meta: ObjectMeta, old: ObjectMeta): FieldError[] {
  const errors: FieldError[] = [];
  if (old.deletionTimestamp !== undefined) {
    const known = new Set(old.finalizers ?? []);
    const added = (meta.finalizers ?? []).filter((finalizer) => !known.has(finalizer));
    if (added.length > 0) {
      const shown = `[]string{${added.map((finalizer) => JSON.stringify(finalizer)).join(', ')}}`;
      errors.push(
        forbiddenField(
          'metadata.finalizers',
          `no new finalizers can be added if the object is being deleted, found new finalizers ${shown}`,
        ),
      );
    }
  }
  const fixed = [
    'name',
    'namespace',
    'uid',
    'creationTimestamp',
    'deletionTimestamp',
    'deletionGracePeriodSeconds',
  ] as const;
  for (const field of fixed) {
    if (!sameJson(meta[field], old[field])) {
      errors.push(invalidField(`metadata.${field}`, meta[field] ?? '', 'field is immutable'));
    }
  }
  errors.push(...validateCommon(meta));
  return errors;
}

/** The rules for names that the generic layer of the real server adds to each kind's own. */
export const validateGenericMeta = (meta: ObjectMeta, namespaced: boolean): FieldError[] =>
  validateObjectMeta(meta, namespaced, pathSegment);

function validateCommon(meta: ObjectMeta): FieldError[] {
  const errors: FieldError[] = [];
  if ((meta.generation ?? 0) < 0) {
    errors.push(
      invalidField('metadata.generation', meta.generation ?? 0, 'must be greater than or equal to 0'),
    );
  }
  for (const [key, value] of Object.entries(meta.labels ?? {}).sort(byKey)) {
    errors.push(...qualifiedName(key).map((message) => invalidField('metadata.labels', key, message)));
    errors.push(...labelValue(value).map((message) => invalidField('metadata.labels', value, message)));
  }
  let size = 0;
  for (const [key, value] of Object.entries(meta.annotations ?? {}).sort(byKey)) {
    errors.push(
      ...qualifiedName(key.toLowerCase()).map((message) =>
        invalidField('metadata.annotations', key, message),
      ),
    );
    size += Buffer.byteLength(key) + Buffer.byteLength(value);
  }
  if (size > ANNOTATIONS_LIMIT) errors.push(tooLong('metadata.annotations', ANNOTATIONS_LIMIT));
  errors.push(...validateOwners(meta));
  return errors;
}

function validateOwners(meta: ObjectMeta): FieldError[] {
  const errors: FieldError[] = [];
  for (const owner of meta.ownerReferences ?? []) {
    if (!isObject(owner)) continue;
    for (const field of ['apiVersion', 'kind', 'name', 'uid'] as const) {
      const value = owner[field] ?? '';
      if (value !== '') continue;
      const detail = field === 'apiVersion' ? 'version must not be empty' : 'must not be empty';
      errors.push(invalidField(`metadata.ownerReferences.${field}`, value, detail));
    }
  }
  return errors;
}

function validateFinalizers(meta: ObjectMeta): FieldError[] {
  return (meta.finalizers ?? []).flatMap((finalizer) =>
    qualifiedName(finalizer).map((message) => invalidField('metadata.finalizers', finalizer, message)),
  );
}

const byKey = (a: readonly [string, unknown], b: readonly [string, unknown]): number =>
  a[0] < b[0] ? -1 : 1;
