import { isObject } from './wire.ts';

/** A value that is not what its place needs; becomes a RecordMalformedError that names the Lease too. */
export class FieldError extends Error {
  readonly path: string;

  constructor(path: string, expected: string, value: unknown) {
    const given = value === undefined ? 'nothing' : (JSON.stringify(value)?.slice(0, 80) ?? typeof value);
    super(`expected ${expected}, found ${given}`);
    this.name = 'FieldError';
    this.path = path;
  }
}

/** Checks a JSON value completely and returns it typed. Throws FieldError. */
export type Decoder<T> = (value: unknown, path: string) => T;

export const text: Decoder<string> = (value, path) => {
  if (typeof value !== 'string') throw new FieldError(path, 'a text', value);
  return value;
};

export const flag: Decoder<boolean> = (value, path) => {
  if (typeof value !== 'boolean') throw new FieldError(path, 'true or false', value);
  return value;
};

export function integer(minimum: number, maximum = Number.MAX_SAFE_INTEGER): Decoder<number> {
  return (value, path) => {
    if (typeof value !== 'number' || !Number.isInteger(value) || value < minimum || value > maximum) {
      throw new FieldError(path, `a whole number from ${minimum} to ${maximum}`, value);
    }
    return value;
  };
}

/** A text for which `accepts` holds. */
export function textThat<T extends string>(
  expected: string,
  accepts: (value: string) => boolean,
): Decoder<T> {
  return (value, path) => {
    if (typeof value !== 'string' || !accepts(value)) throw new FieldError(path, expected, value);
    return value as T;
  };
}

export function oneOf<T extends string>(...allowed: readonly T[]): Decoder<T> {
  return textThat(`one of ${allowed.join(', ')}`, (value) => (allowed as readonly string[]).includes(value));
}

/** Null is a value of its own: a missing field is still an error. */
export function nullable<T>(decoder: Decoder<T>): Decoder<T | null> {
  return (value, path) => (value === null ? null : decoder(value, path));
}

export function list<T>(decoder: Decoder<T>): Decoder<readonly T[]> {
  return (value, path) => {
    if (!Array.isArray(value)) throw new FieldError(path, 'a list', value);
    return value.map((item, index) => decoder(item, `${path}[${index}]`));
  };
}

/** An object with every field of `T`; fields that `T` does not have are left out. */
export function shape<T extends object>(
  fields: { readonly [Key in keyof T]-?: Decoder<T[Key]> },
): Decoder<T> {
  const keys = Object.keys(fields) as (keyof T & string)[];
  return (value, path) => {
    if (!isObject(value)) throw new FieldError(path, 'an object', value);
    const result: Partial<T> = {};
    for (const key of keys) result[key] = fields[key](value[key], path === '' ? key : `${path}.${key}`);
    return result as T;
  };
}
