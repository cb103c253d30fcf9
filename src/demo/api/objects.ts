import type { JsonObject, JsonValue } from './json.ts';

/** metav1.ObjectMeta without managedFields: this API does not track field ownership. */
export interface ObjectMeta {
  name: string;
  generateName?: string;
  namespace?: string;
  uid?: string;
  resourceVersion?: string;
  generation?: number;
  creationTimestamp?: string;
  deletionTimestamp?: string;
  deletionGracePeriodSeconds?: number;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  ownerReferences?: JsonObject[];
  finalizers?: string[];
}

/** An object of any kind, decoded: unknown fields are gone, values have their canonical form. Never changed once stored. */
export interface ApiObject {
  kind: string;
  apiVersion: string;
  metadata: ObjectMeta;
  [field: string]: JsonValue | ObjectMeta | undefined;
}

/** A list item: real servers leave out kind and apiVersion of items of a typed list. */
export function withoutType(object: ApiObject): Omit<ApiObject, 'kind' | 'apiVersion'> {
  const { kind: _kind, apiVersion: _apiVersion, ...rest } = object;
  return rest;
}

/** The same object under another resourceVersion. */
export function atVersion(object: ApiObject, revision: number): ApiObject {
  return { ...object, metadata: { ...object.metadata, resourceVersion: String(revision) } };
}

/** An ApiObject as plain JSON, to be patched or compared. */
export function asJson(object: ApiObject): JsonObject {
  return object as unknown as JsonObject;
}
