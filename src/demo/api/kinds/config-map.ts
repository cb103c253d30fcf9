import { bytesMap, objectMeta, optionalFlag, text, textMap } from '../decode/schema.ts';
import { type JsonObject, objectAt, sameJson } from '../json.ts';
import { type ApiObject, asJson } from '../objects.ts';
import { type FieldError, forbiddenField, invalidField, tooLong } from '../validation/field-error.ts';
import { configKey, dnsSubdomain } from '../validation/names.ts';
import { validateObjectMeta, validateObjectMetaUpdate } from '../validation/object-meta.ts';
import { type Kind, plainKind } from './kind.ts';

/** The most that the data of a ConfigMap or Secret may hold, in bytes. */
export const DATA_LIMIT = 1024 * 1024;

const IMMUTABLE = 'field is immutable when `immutable` is set';

/** core/v1 ConfigMap. */
export const configMap: Kind = {
  ...plainKind,
  group: '',
  kind: 'ConfigMap',
  plural: 'configmaps',
  singular: 'configmap',
  shortNames: ['cm'],
  createsOnUpdate: false,
  updatesUnconditionally: true,
  schema: {
    type: 'struct',
    goName: 'ConfigMap',
    always: true,
    fields: {
      kind: text,
      apiVersion: text,
      metadata: objectMeta,
      immutable: optionalFlag,
      data: textMap,
      binaryData: bytesMap,
    },
  },
  validate,
  validateUpdate: (object, old) => [
    ...validateObjectMetaUpdate(object.metadata, old.metadata),
    ...validateImmutable(asJson(object), asJson(old), ['data', 'binaryData']),
    ...validate(object),
  ],
};

/** What `immutable: true` forbids, for ConfigMaps and Secrets. */
export function validateImmutable(
  object: JsonObject,
  old: JsonObject,
  fields: readonly string[],
): FieldError[] {
  if (old.immutable !== true) return [];
  const errors = fields
    .filter((field) => !sameJson(objectAt(object, field), objectAt(old, field)))
    .map((field) => forbiddenField(field, IMMUTABLE));
  return object.immutable === true ? errors : [forbiddenField('immutable', IMMUTABLE), ...errors];
}

function validate(object: ApiObject): FieldError[] {
  const errors = validateObjectMeta(object.metadata, true, dnsSubdomain);
  const data = objectAt(asJson(object), 'data');
  const binary = objectAt(asJson(object), 'binaryData');
  let size = 0;
  for (const [key, value] of Object.entries(data)) {
    errors.push(...configKey(key).map((message) => invalidField(`data[${key}]`, key, message)));
    if (key in binary)
      errors.push(invalidField(`data[${key}]`, key, 'duplicate of key present in binaryData'));
    size += Buffer.byteLength(String(value));
  }
  for (const [key, value] of Object.entries(binary)) {
    errors.push(...configKey(key).map((message) => invalidField(`binaryData[${key}]`, key, message)));
    size += Buffer.byteLength(String(value), 'base64');
  }
  if (size > DATA_LIMIT) errors.push(tooLong('[]', DATA_LIMIT));
  return errors;
}
