import type { Schema } from '../decode/schema.ts';
import type { ApiObject } from '../objects.ts';
import type { QualifiedName } from '../status.ts';
import type { FieldError } from '../validation/field-error.ts';

/** A field that a fieldSelector may name, and how to read it. */
export type SelectableFields = Readonly<Record<string, (object: ApiObject) => string>>;

/** One resource of the API: its names, its shape, and the rules of the real server's strategy for it. */
export interface Kind {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly plural: string;
  readonly singular: string;
  readonly shortNames: readonly string[];
  readonly namespaced: boolean;
  readonly schema: Schema & { readonly type: 'struct' };
  /** PUT of an absent object creates it. */
  readonly createsOnUpdate: boolean;
  /** PUT without a resourceVersion replaces whatever is there. */
  readonly updatesUnconditionally: boolean;
  /** DELETE answers with the object, not with a Status. */
  readonly returnsDeleted: boolean;
  readonly hasStatus: boolean;
  /** Null: only metadata.name and metadata.namespace, with the generic message for another. */
  readonly selectable: SelectableFields | null;
  /** Objects older than this go when another is created. */
  readonly lifetime: number | null;
  /** Defaults, and what a client may not set at creation. */
  prepareForCreate(object: ApiObject): ApiObject;
  /** What an update may not touch; `status`: it came through the status subresource. */
  prepareForUpdate(object: ApiObject, old: ApiObject, status: boolean): ApiObject;
  validate(object: ApiObject): readonly FieldError[];
  validateUpdate(object: ApiObject, old: ApiObject): readonly FieldError[];
  /** Seconds between the wish to delete and the end; zero: at once. Null: this kind knows no such time. */
  gracePeriod(object: ApiObject, wished: number | null): number | null;
}

/** `coordination.k8s.io/v1`, or `v1` for the core group. */
export const apiVersionOf = (kind: Kind): string =>
  kind.group === '' ? kind.version : `${kind.group}/${kind.version}`;

export const resourceName = (kind: Kind): QualifiedName => ({ group: kind.group, name: kind.plural });

export const kindName = (kind: Kind): QualifiedName => ({ group: kind.group, name: kind.kind });

/** What most kinds have in common. */
export const plainKind = {
  version: 'v1',
  namespaced: true,
  returnsDeleted: false,
  hasStatus: false,
  selectable: null,
  lifetime: null,
  prepareForCreate: (object: ApiObject): ApiObject => object,
  prepareForUpdate: (object: ApiObject): ApiObject => object,
  gracePeriod: (): number | null => null,
} as const;
