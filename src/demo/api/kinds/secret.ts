import { bytesMap, objectMeta, optionalFlag, text, textMap } from '../decode/schema.ts';
import { objectAt } from '../json.ts';
import { type ApiObject, asJson } from '../objects.ts';
import { type FieldError, invalidField, tooLong } from '../validation/field-error.ts';
import { configKey, dnsSubdomain } from '../validation/names.ts';
import { validateObjectMeta, validateObjectMetaUpdate } from '../validation/object-meta.ts';
import { DATA_LIMIT, validateImmutable } from './config-map.ts';
import { type Kind, plainKind } from './kind.ts';

/** core/v1 Secret. The keys that a typed Secret (`kubernetes.io/tls`, …) must have are not checked. */
export const secret: Kind = {
  ...plainKind,
  group: '',
  kind: 'Secret',
  plural: 'secrets',
  singular: 'secret',
  shortNames: [],
  createsOnUpdate: false,
  updatesUnconditionally: true,
  selectable: {
    type: (object) => String(object.type ?? ''),
    'metadata.name': (object) => object.metadata.name,
    'metadata.namespace': (object) => object.metadata.namespace ?? '',
  },
  schema: {
    type: 'struct',
    goName: 'Secret',
    always: true,
    fields: {
      kind: text,
      apiVersion: text,
      metadata: objectMeta,
      immutable: optionalFlag,
      data: bytesMap,
      stringData: textMap,
      type: text,
    },
  },
  prepareForCreate: withStringData,
  prepareForUpdate: (object, old) => ({ ...withStringData(object), type: object.type ?? old.type }),
  validate,
  validateUpdate: (object, old) => [
    ...validateObjectMetaUpdate(object.metadata, old.metadata),
    ...(object.type === old.type ? [] : [invalidField('type', String(object.type), 'field is immutable')]),
    ...validateImmutable(asJson(object), asJson(old), ['data']),
    ...validate(object),
  ],
};

/** `stringData` is a way to write `data`: it is never stored. */
function withStringData(object: ApiObject): ApiObject {
  const { stringData: _written, data: _data, type, ...rest } = object;
  const data = { ...objectAt(asJson(object), 'data') };
  for (const [key, value] of Object.entries(objectAt(asJson(object), 'stringData'))) {
    data[key] = Buffer.from(String(value)).toString('base64');
  }
  return { ...rest, ...(Object.keys(data).length === 0 ? {} : { data }), type: type ?? 'Opaque' };
}

function validate(object: ApiObject): FieldError[] {
  const errors = validateObjectMeta(object.metadata, true, dnsSubdomain);
  let size = 0;
  for (const [key, value] of Object.entries(objectAt(asJson(object), 'data'))) {
    errors.push(...configKey(key).map((message) => invalidField(`data[${key}]`, key, message)));
    size += Buffer.byteLength(String(value), 'base64');
  }
  if (size > DATA_LIMIT) errors.push(tooLong('data', DATA_LIMIT));
  return errors;
}
