import {
  anything,
  int32,
  nullableMicroTime,
  nullableTime,
  objectMeta,
  plainText,
  struct,
  text,
} from '../decode/schema.ts';
import { type JsonObject, objectAt } from '../json.ts';
import { type ApiObject, asJson } from '../objects.ts';
import { type FieldError, invalidField, requiredField } from '../validation/field-error.ts';
import { qualifiedName } from '../validation/names.ts';
import { type Kind, plainKind, type SelectableFields } from './kind.ts';

const REFERENCE = ['kind', 'namespace', 'name', 'uid', 'apiVersion', 'resourceVersion', 'fieldPath'] as const;
const DEFAULT_NAMESPACE = 'default';
const HOUR = 3_600_000;

const involved = (object: ApiObject): JsonObject => objectAt(asJson(object), 'involvedObject');
const string = (value: unknown): string => (typeof value === 'string' ? value : '');

const selectable: SelectableFields = {
  ...Object.fromEntries(
    REFERENCE.map((field) => [
      `involvedObject.${field}`,
      (object: ApiObject) => string(involved(object)[field]),
    ]),
  ),
  reason: (object) => string(object.reason),
  reportingComponent: (object) => string(object.reportingComponent),
  source: (object) =>
    string(objectAt(asJson(object), 'source').component) || string(object.reportingComponent),
  type: (object) => string(object.type),
  'metadata.name': (object) => object.metadata.name,
  'metadata.namespace': (object) => object.metadata.namespace ?? '',
};

/** core/v1 Event, under the rules of that version (`legacyValidateEvent`); kept for an hour, as the real default is. */
export const event: Kind = {
  ...plainKind,
  group: '',
  kind: 'Event',
  plural: 'events',
  singular: 'event',
  shortNames: ['ev'],
  createsOnUpdate: true,
  updatesUnconditionally: true,
  lifetime: HOUR,
  selectable,
  schema: {
    type: 'struct',
    goName: 'Event',
    always: true,
    fields: {
      kind: text,
      apiVersion: text,
      metadata: objectMeta,
      involvedObject: struct('ObjectReference', Object.fromEntries(REFERENCE.map((field) => [field, text]))),
      reason: text,
      message: text,
      source: struct('EventSource', { component: text, host: text }),
      firstTimestamp: nullableTime,
      lastTimestamp: nullableTime,
      count: int32,
      type: text,
      eventTime: nullableMicroTime,
      series: anything,
      action: text,
      related: anything,
      reportingComponent: plainText,
      reportingInstance: plainText,
    },
  },
  validate,
  validateUpdate: validate,
};

function validate(object: ApiObject): FieldError[] {
  const errors: FieldError[] = [];
  const { namespace = '' } = object.metadata;
  const about = string(involved(object).namespace);
  const agrees = about === '' ? namespace === DEFAULT_NAMESPACE : about === namespace;
  if (!agrees) errors.push(invalidField('involvedObject.namespace', about, 'does not match event.namespace'));
  if (object.eventTime === null || object.eventTime === undefined) return errors;
  const component = string(object.reportingComponent);
  if (component === '') errors.push(requiredField('reportingComponent'));
  errors.push(
    ...qualifiedName(component).map((message) => invalidField('reportingComponent', component, message)),
  );
  for (const field of ['reportingInstance', 'action', 'reason'] as const) {
    const value = string(object[field]);
    if (value === '') errors.push(requiredField(field));
    else if (value.length > 128) errors.push(invalidField(field, '', 'can have at most 128 characters'));
  }
  if (string(object.message).length > 1024) {
    errors.push(invalidField('message', '', 'can have at most 1024 characters'));
  }
  return errors;
}
