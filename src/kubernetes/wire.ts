import type { CoreV1Event, V1Lease, V1ObjectMeta } from '@kubernetes/client-node';

/** The JSON form of a type of @kubernetes/client-node: its dates are strings there. */
export type Wire<T> = T extends Date
  ? string
  : T extends readonly (infer Item)[]
    ? Wire<Item>[]
    : T extends object
      ? { [Key in keyof T]: Wire<T[Key]> }
      : T;

export type WireLease = Wire<V1Lease>;
export type WireMeta = Wire<V1ObjectMeta>;
export type WireEvent = Wire<CoreV1Event>;

/** Whether the value is a JSON object. */
export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A property of a JSON value that may be anything; undefined where there is none. */
export function property(value: unknown, ...keys: readonly string[]): unknown {
  let at = value;
  for (const key of keys) {
    if (!isObject(at) || !Object.hasOwn(at, key)) return undefined;
    at = at[key];
  }
  return at;
}

/** The same, as text; empty where it is none. */
export function textProperty(value: unknown, ...keys: readonly string[]): string {
  const found = property(value, ...keys);
  return typeof found === 'string' ? found : '';
}
