import { anything, objectMeta, struct, text } from '../decode/schema.ts';
import { objectAt } from '../json.ts';
import { asJson } from '../objects.ts';
import { dnsLabel } from '../validation/names.ts';
import { validateObjectMeta, validateObjectMetaUpdate } from '../validation/object-meta.ts';
import { type Kind, plainKind } from './kind.ts';

/** The namespaces that every cluster starts with. */
export const INITIAL_NAMESPACES = ['default', 'kube-node-lease', 'kube-public', 'kube-system'] as const;

/** core/v1 Namespace: get, list, watch, create, update and patch. Deleting one takes a controller: not here. */
export const namespace: Kind = {
  ...plainKind,
  group: '',
  kind: 'Namespace',
  plural: 'namespaces',
  singular: 'namespace',
  shortNames: ['ns'],
  namespaced: false,
  createsOnUpdate: false,
  updatesUnconditionally: true,
  returnsDeleted: true,
  selectable: {
    'metadata.name': (object) => object.metadata.name,
    name: (object) => object.metadata.name,
    'status.phase': (object) => String(objectAt(asJson(object), 'status').phase ?? ''),
  },
  schema: {
    type: 'struct',
    goName: 'Namespace',
    always: true,
    fields: {
      kind: text,
      apiVersion: text,
      metadata: objectMeta,
      spec: struct('NamespaceSpec', { finalizers: anything }),
      status: struct('NamespaceStatus', { phase: text, conditions: anything }),
    },
  },
  prepareForCreate: (object) => ({
    ...object,
    metadata: {
      ...object.metadata,
      labels: { ...object.metadata.labels, 'kubernetes.io/metadata.name': object.metadata.name },
    },
    spec: { finalizers: ['kubernetes'] },
    status: { phase: 'Active' },
  }),
  prepareForUpdate: (object, old) => ({
    ...object,
    metadata: {
      ...object.metadata,
      labels: { ...object.metadata.labels, 'kubernetes.io/metadata.name': object.metadata.name },
    },
    spec: old.spec,
    status: old.status,
  }),
  validate: (object) => validateObjectMeta(object.metadata, false, dnsLabel),
  validateUpdate: (object, old) => validateObjectMetaUpdate(object.metadata, old.metadata),
};
