import { microTime, objectMeta, optionalInt32, optionalText, struct, text } from '../decode/schema.ts';
import { type JsonObject, objectAt } from '../json.ts';
import { type ApiObject, asJson } from '../objects.ts';
import { type FieldError, invalidField } from '../validation/field-error.ts';
import { dnsSubdomain } from '../validation/names.ts';
import { validateObjectMeta, validateObjectMetaUpdate } from '../validation/object-meta.ts';
import { type Kind, plainKind } from './kind.ts';

/** coordination.k8s.io/v1 Lease: pkg/apis/coordination/validation and its strategy. */
export const lease: Kind = {
  ...plainKind,
  group: 'coordination.k8s.io',
  kind: 'Lease',
  plural: 'leases',
  singular: 'lease',
  shortNames: [],
  createsOnUpdate: true,
  updatesUnconditionally: false,
  schema: {
    type: 'struct',
    goName: 'Lease',
    always: true,
    fields: {
      kind: text,
      apiVersion: text,
      metadata: objectMeta,
      spec: struct('LeaseSpec', {
        holderIdentity: optionalText,
        leaseDurationSeconds: optionalInt32,
        acquireTime: microTime,
        renewTime: microTime,
        leaseTransitions: optionalInt32,
        strategy: optionalText,
        preferredHolder: optionalText,
      }),
    },
  },
  // Coordinated leader election is off by default: its fields are dropped.
  prepareForCreate: withoutElectionFields,
  prepareForUpdate: (object) => withoutElectionFields(object),
  validate: (object) => [
    ...validateObjectMeta(object.metadata, true, dnsSubdomain),
    ...validateSpec(spec(object)),
  ],
  validateUpdate: (object, old) => [
    ...validateObjectMetaUpdate(object.metadata, old.metadata),
    ...validateSpec(spec(object)),
  ],
};

const spec = (object: ApiObject): JsonObject => objectAt(asJson(object), 'spec');

function withoutElectionFields(object: ApiObject): ApiObject {
  const { strategy: _strategy, preferredHolder: _preferred, ...kept } = spec(object);
  return { ...object, spec: kept };
}

function validateSpec(fields: JsonObject): FieldError[] {
  const errors: FieldError[] = [];
  const { leaseDurationSeconds: duration, leaseTransitions: transitions } = fields;
  if (typeof duration === 'number' && duration <= 0) {
    errors.push(invalidField('spec.leaseDurationSeconds', duration, 'must be greater than 0'));
  }
  if (typeof transitions === 'number' && transitions < 0) {
    errors.push(invalidField('spec.leaseTransitions', transitions, 'must be greater than or equal to 0'));
  }
  return errors;
}
