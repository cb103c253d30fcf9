import type { JsonValue } from '../json.ts';

/**
 * The shape of a kind, as its Go struct would read and write it: which fields there are, which values each takes,
 * and whether an empty value is left out (`omitempty`).
 */
export type Schema =
  | { readonly type: 'string'; readonly empty: 'omit' | 'keep' | 'always' }
  | { readonly type: 'integer'; readonly bits: 32 | 64; readonly empty: 'omit' | 'keep' }
  | { readonly type: 'boolean'; readonly empty: 'omit' | 'keep' }
  /** Seconds (metav1.Time) or microseconds (metav1.MicroTime); `nullable`: written as null when absent. */
  | { readonly type: 'time'; readonly micro: boolean; readonly nullable: boolean }
  | { readonly type: 'bytes' }
  | { readonly type: 'map'; readonly of: Schema; readonly goType: string }
  | { readonly type: 'list'; readonly of: Schema; readonly goType: string }
  /** `always`: a struct by value is written even when it is empty; a pointer only when given. */
  | {
      readonly type: 'struct';
      readonly goName: string;
      readonly always: boolean;
      readonly fields: Readonly<Record<string, Schema>>;
    }
  /** Kept as it is: parts of a kind that this API does not look into. */
  | { readonly type: 'any'; readonly always?: JsonValue };

export const text: Schema = { type: 'string', empty: 'omit' };
/** A `*string`: an empty one is a value. */
export const optionalText: Schema = { type: 'string', empty: 'keep' };
/** A string without omitempty. */
export const plainText: Schema = { type: 'string', empty: 'always' };
export const int32: Schema = { type: 'integer', bits: 32, empty: 'omit' };
export const optionalInt32: Schema = { type: 'integer', bits: 32, empty: 'keep' };
export const int64: Schema = { type: 'integer', bits: 64, empty: 'omit' };
export const optionalInt64: Schema = { type: 'integer', bits: 64, empty: 'keep' };
export const optionalFlag: Schema = { type: 'boolean', empty: 'keep' };
export const time: Schema = { type: 'time', micro: false, nullable: false };
export const nullableTime: Schema = { type: 'time', micro: false, nullable: true };
export const microTime: Schema = { type: 'time', micro: true, nullable: false };
export const nullableMicroTime: Schema = { type: 'time', micro: true, nullable: true };
export const anything: Schema = { type: 'any' };
export const texts: Schema = { type: 'list', of: text, goType: '[]string' };
export const textMap: Schema = { type: 'map', of: plainText, goType: 'map[string]string' };
export const bytesMap: Schema = { type: 'map', of: { type: 'bytes' }, goType: 'map[string][]uint8' };

/** A struct by value. */
export const struct = (goName: string, fields: Readonly<Record<string, Schema>>): Schema => ({
  type: 'struct',
  goName,
  always: true,
  fields,
});

/** A struct behind a pointer, or the item of a list. */
export const optionalStruct = (goName: string, fields: Readonly<Record<string, Schema>>): Schema => ({
  type: 'struct',
  goName,
  always: false,
  fields,
});

/** metav1.ObjectMeta; selfLink and managedFields are read and forgotten. */
export const objectMeta: Schema = struct('ObjectMeta', {
  name: text,
  generateName: text,
  namespace: text,
  selfLink: text,
  uid: text,
  resourceVersion: text,
  generation: int64,
  creationTimestamp: time,
  deletionTimestamp: time,
  deletionGracePeriodSeconds: optionalInt64,
  labels: textMap,
  annotations: textMap,
  ownerReferences: {
    type: 'list',
    goType: '[]v1.OwnerReference',
    of: optionalStruct('OwnerReference', {
      apiVersion: plainText,
      kind: plainText,
      name: plainText,
      uid: plainText,
      controller: optionalFlag,
      blockOwnerDeletion: optionalFlag,
    }),
  },
  finalizers: texts,
  managedFields: anything,
});
