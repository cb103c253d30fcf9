import { isObject, type JsonObject, type JsonValue } from '../json.ts';
import type { Schema } from './schema.ts';
import { parseMicroTime, parseTime, TimeFormatError } from './time.ts';

/** The value is not of the schema; the message is that of Go's decoder. */
export class DecodeError extends Error {}

export interface Decoded {
  readonly value: JsonObject;
  /** Paths of fields that the schema does not know: dropped. */
  readonly unknown: readonly string[];
}

/**
 * Reads `input` as the real server's strict JSON decoder would: fields in the struct's order, empty values left
 * out, times in UTC, null as absent. The first wrong value in document order is the one told.
 * @throws DecodeError
 */
export function decode(input: JsonObject, schema: Schema): Decoded {
  const state: State = { unknown: [], error: null };
  const value = read(input, schema, { path: [], struct: '' }, state);
  if (state.error !== null) throw state.error;
  return { value: isObject(value) ? value : {}, unknown: state.unknown };
}

interface State {
  readonly unknown: string[];
  error: DecodeError | null;
}

/** Where we are: the JSON path, and the name of the Go struct around. */
interface Place {
  readonly path: readonly string[];
  readonly struct: string;
}

function read(input: JsonValue, schema: Schema, place: Place, state: State): JsonValue | undefined {
  if (input === null && schema.type !== 'any') return absent(schema);
  switch (schema.type) {
    case 'any':
      return input;
    case 'string':
      if (typeof input !== 'string') return wrong(input, 'string', place, state);
      return input === '' && schema.empty === 'omit' ? undefined : input;
    case 'integer':
      return readInteger(input, schema, place, state);
    case 'boolean':
      if (typeof input !== 'boolean') return wrong(input, 'bool', place, state);
      return input || schema.empty === 'keep' ? input : undefined;
    case 'time':
      return readTime(input, schema, place, state);
    case 'bytes':
      return readBytes(input, place, state);
    case 'list':
      if (!Array.isArray(input)) return wrong(input, schema.goType, place, state);
      return input.length === 0
        ? undefined
        : input.map((item) => read(item, schema.of, place, state) ?? absent(schema.of) ?? empty(schema.of));
    case 'map':
      return readMap(input, schema, place, state);
    case 'struct':
      return readStruct(input, schema, place, state);
  }
}

function readStruct(
  input: JsonValue,
  schema: Schema & { type: 'struct' },
  place: Place,
  state: State,
): JsonValue | undefined {
  if (!isObject(input)) return wrong(input, `v1.${schema.goName}`, place, state);
  const found: JsonObject = {};
  for (const [key, item] of Object.entries(input)) {
    const field = Object.hasOwn(schema.fields, key) ? schema.fields[key] : undefined;
    const path = [...place.path, key];
    if (field === undefined) {
      state.unknown.push(path.join('.'));
      continue;
    }
    const value = read(item, field, { path, struct: schema.goName }, state);
    if (value !== undefined) found[key] = value;
  }
  const ordered: JsonObject = {};
  for (const [key, field] of Object.entries(schema.fields)) {
    const value = found[key] ?? absent(field);
    if (value !== undefined) ordered[key] = value;
  }
  return ordered;
}

function readMap(
  input: JsonValue,
  schema: Schema & { type: 'map' },
  place: Place,
  state: State,
): JsonValue | undefined {
  if (!isObject(input)) return wrong(input, schema.goType, place, state);
  const result: JsonObject = {};
  // Go writes the keys of a map in order.
  for (const key of Object.keys(input).sort()) {
    const item = input[key];
    if (item !== undefined) result[key] = read(item, schema.of, place, state) ?? '';
  }
  return Object.keys(result).length === 0 ? undefined : result;
}

function readInteger(
  input: JsonValue,
  schema: Schema & { type: 'integer' },
  place: Place,
  state: State,
): JsonValue | undefined {
  const goType = `int${schema.bits}`;
  if (typeof input !== 'number') return wrong(input, goType, place, state);
  const limit = schema.bits === 32 ? 2 ** 31 : 2 ** 63;
  if (!Number.isInteger(input) || input >= limit || input < -limit) {
    return wrong(input, goType, place, state, `number ${input}`);
  }
  return input === 0 && schema.empty === 'omit' ? undefined : input;
}

function readTime(
  input: JsonValue,
  schema: Schema & { type: 'time' },
  place: Place,
  state: State,
): JsonValue | undefined {
  if (typeof input !== 'string') return wrong(input, 'string', place, state);
  try {
    return schema.micro ? parseMicroTime(input) : parseTime(input);
  } catch (error) {
    if (!(error instanceof TimeFormatError)) throw error;
    state.error ??= new DecodeError(error.message);
    return undefined;
  }
}

function readBytes(input: JsonValue, place: Place, state: State): JsonValue | undefined {
  if (typeof input !== 'string') return wrong(input, '[]uint8', place, state);
  const packed = input.replace(/[\r\n]/g, '');
  const wellFormed = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.exec(packed);
  if (wellFormed === null) {
    const offset = /[^A-Za-z0-9+/]/.exec(packed)?.index ?? packed.length - (packed.length % 4);
    state.error ??= new DecodeError(`illegal base64 data at input byte ${offset}`);
    return undefined;
  }
  return Buffer.from(packed, 'base64').toString('base64');
}

function wrong(
  input: JsonValue,
  goType: string,
  place: Place,
  state: State,
  kind = goKind(input),
): undefined {
  const where =
    place.path.length === 0
      ? `Go value of type ${goType}`
      : `Go struct field ${place.struct}.${place.path.join('.')} of type ${goType}`;
  state.error ??= new DecodeError(`json: cannot unmarshal ${kind} into ${where}`);
  return undefined;
}

/** The JSON type, in the words of Go's decoder. */
function goKind(value: JsonValue): string {
  if (Array.isArray(value)) return 'array';
  return typeof value === 'boolean' ? 'bool' : typeof value;
}

/** What an absent field is written as. */
function absent(schema: Schema): JsonValue | undefined {
  switch (schema.type) {
    case 'string':
      return schema.empty === 'always' ? '' : undefined;
    case 'time':
      return schema.nullable ? null : undefined;
    case 'struct':
      return schema.always ? empty(schema) : undefined;
    case 'any':
      return schema.always;
    default:
      return undefined;
  }
}

/** The zero value of a struct, as it is written. */
export function emptyStruct(schema: Schema & { type: 'struct' }): JsonObject {
  const value: JsonObject = {};
  for (const [key, field] of Object.entries(schema.fields)) {
    const item = absent(field);
    if (item !== undefined) value[key] = item;
  }
  return value;
}

function empty(schema: Schema): JsonValue {
  if (schema.type === 'struct') return emptyStruct(schema);
  return schema.type === 'list' ? [] : schema.type === 'map' ? {} : '';
}
