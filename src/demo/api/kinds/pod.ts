import { objectMeta, text } from '../decode/schema.ts';
import { isObject, type JsonObject, objectAt, sameJson } from '../json.ts';
import { type ApiObject, asJson } from '../objects.ts';
import { type FieldError, forbiddenField, invalidField, requiredField } from '../validation/field-error.ts';
import { dnsLabel, dnsSubdomain } from '../validation/names.ts';
import { validateObjectMeta, validateObjectMetaUpdate } from '../validation/object-meta.ts';
import { type Kind, plainKind } from './kind.ts';
import { podSpecDefaults, qualityOfService } from './pod-defaults.ts';

const CHANGEABLE =
  'pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)';

const spec = (object: ApiObject): JsonObject => objectAt(asJson(object), 'spec');
const status = (object: ApiObject): JsonObject => objectAt(asJson(object), 'status');

/** core/v1 Pod: a record of a pod (nothing runs it). The inside of `spec` and `status` is kept without a look. */
export const pod: Kind = {
  ...plainKind,
  group: '',
  kind: 'Pod',
  plural: 'pods',
  singular: 'pod',
  shortNames: ['po'],
  createsOnUpdate: false,
  updatesUnconditionally: true,
  returnsDeleted: true,
  hasStatus: true,
  selectable: {
    'metadata.name': (object) => object.metadata.name,
    'metadata.namespace': (object) => object.metadata.namespace ?? '',
    'spec.nodeName': (object) => String(spec(object).nodeName ?? ''),
    'spec.restartPolicy': (object) => String(spec(object).restartPolicy ?? ''),
    'spec.schedulerName': (object) => String(spec(object).schedulerName ?? ''),
    'spec.serviceAccountName': (object) => String(spec(object).serviceAccountName ?? ''),
    'spec.hostNetwork': (object) => String(spec(object).hostNetwork ?? false),
    'status.phase': (object) => String(status(object).phase ?? ''),
    'status.podIP': (object) => String(status(object).podIP ?? ''),
    'status.nominatedNodeName': (object) => String(status(object).nominatedNodeName ?? ''),
  },
  schema: {
    type: 'struct',
    goName: 'Pod',
    always: true,
    fields: {
      kind: text,
      apiVersion: text,
      metadata: objectMeta,
      spec: { type: 'any', always: { containers: null } },
      status: { type: 'any', always: {} },
    },
  },
  prepareForCreate: (object) => {
    const defaulted = podSpecDefaults(spec(object));
    return {
      ...object,
      metadata: { ...object.metadata, generation: 1 },
      spec: defaulted,
      status: { phase: 'Pending', qosClass: qualityOfService(defaulted) },
    };
  },
  prepareForUpdate: (object, old, viaStatus) => {
    if (viaStatus) return { ...object, spec: old.spec, status: addresses(status(object)) };
    const defaulted = podSpecDefaults(spec(object), spec(old));
    const changed = !sameJson(defaulted, spec(old));
    return {
      ...object,
      metadata: { ...object.metadata, generation: (old.metadata.generation ?? 0) + (changed ? 1 : 0) },
      spec: defaulted,
      status: old.status,
    };
  },
  validate: (object) => [
    ...validateObjectMeta(object.metadata, true, dnsSubdomain),
    ...validateContainers(object),
  ],
  validateUpdate: (object, old) => [
    ...validateObjectMetaUpdate(object.metadata, old.metadata),
    ...(sameJson(fixedSpec(object), fixedSpec(old)) ? [] : [forbiddenField('spec', CHANGEABLE)]),
  ],
  // A pod that no node has taken, or that has ended, has nobody to wait for.
  gracePeriod: (object, wished) => {
    const phase = status(object).phase;
    if (String(spec(object).nodeName ?? '') === '' || phase === 'Failed' || phase === 'Succeeded') return 0;
    const configured = spec(object).terminationGracePeriodSeconds;
    return wished ?? (typeof configured === 'number' ? configured : 30);
  },
};

/** `podIP` is the first of `podIPs`: whoever writes one gets the other. */
function addresses(fields: JsonObject): JsonObject {
  const { podIP } = fields;
  return typeof podIP === 'string' && podIP !== '' ? { ...fields, podIPs: [{ ip: podIP }] } : fields;
}

function validateContainers(object: ApiObject): FieldError[] {
  const { containers } = spec(object);
  if (!Array.isArray(containers) || containers.length === 0) return [requiredField('spec.containers')];
  return containers.flatMap((container, index) => {
    const at = `spec.containers[${index}]`;
    const { name = '', image = '' } = isObject(container) ? container : {};
    const names =
      name === ''
        ? [requiredField(`${at}.name`)]
        : dnsLabel(String(name)).map((message) => invalidField(`${at}.name`, name, message));
    return image === '' ? [...names, requiredField(`${at}.image`)] : names;
  });
}

/** The part of a spec that never changes. */
function fixedSpec(object: ApiObject): JsonObject {
  const {
    containers,
    initContainers,
    activeDeadlineSeconds: _deadline,
    tolerations: _tolerations,
    ...rest
  } = spec(object);
  const withoutImage = (list: unknown): JsonObject[] =>
    (Array.isArray(list) ? list : []).filter(isObject).map(({ image: _image, ...container }) => container);
  return { ...rest, containers: withoutImage(containers), initContainers: withoutImage(initContainers) };
}
