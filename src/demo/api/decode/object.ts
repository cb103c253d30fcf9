import { isObject, type JsonObject, type JsonValue } from '../json.ts';
import { apiVersionOf, type Kind } from '../kinds/kind.ts';
import type { ApiObject, ObjectMeta } from '../objects.ts';
import { badRequest } from '../status.ts';
import { DecodeError, decode } from './decode.ts';
import { syntaxMessage } from './syntax.ts';

/** What to do with fields that the kind does not have (`fieldValidation`). */
export type FieldValidation = 'Ignore' | 'Warn' | 'Strict';

export interface DecodedObject {
  readonly object: ApiObject;
  /** Sentences for `Warning` headers. */
  readonly warnings: readonly string[];
}

/**
 * The object in the body of a create or an update. A body without kind and apiVersion is taken as of the kind.
 * @throws StatusError 400 in the words of the real server.
 */
export function decodeBody(body: string, kind: Kind, validation: FieldValidation): DecodedObject {
  const value = parseBody(body, kind);
  const { kind: givenKind, apiVersion: givenVersion } = value;
  const name = typeof givenKind === 'string' && givenKind !== '' ? givenKind : kind.kind;
  const apiVersion =
    typeof givenVersion === 'string' && givenVersion !== '' ? givenVersion : apiVersionOf(kind);
  if (name !== kind.kind || apiVersion !== apiVersionOf(kind)) {
    throw badRequest(
      `${name} in version ${JSON.stringify(apiVersion.split('/').at(-1))} cannot be handled as a ${kind.kind}: no kind ${JSON.stringify(name)} is registered for version ${JSON.stringify(apiVersion)} in scheme "pkg/runtime/scheme.go:110"`,
    );
  }
  const prefix = `${kind.kind} in version ${JSON.stringify(kind.version)} cannot be handled as a ${kind.kind}`;
  try {
    return decodeObject(value, kind, validation);
  } catch (error) {
    if (error instanceof DecodeError) throw badRequest(`${prefix}: ${error.message}`);
    throw error;
  }
}

/**
 * An object of a kind from JSON.
 * @throws DecodeError
 */
export function decodeObject(value: JsonObject, kind: Kind, validation: FieldValidation): DecodedObject {
  const decoded = decode(value, kind.schema);
  const unknown = decoded.unknown.map((path) => `unknown field ${JSON.stringify(path)}`);
  if (validation === 'Strict' && unknown.length > 0) {
    throw new DecodeError(`strict decoding error: ${unknown.join(', ')}`);
  }
  const { kind: _kind, apiVersion: _apiVersion, metadata: given, ...fields } = decoded.value;
  const { managedFields: _tracked, selfLink: _link, name = '', ...meta } = isObject(given) ? given : {};
  const metadata = { name, ...meta } as unknown as ObjectMeta;
  const object: ApiObject = { kind: kind.kind, apiVersion: apiVersionOf(kind), metadata, ...fields };
  return { object, warnings: validation === 'Warn' ? unknown : [] };
}

function parseBody(body: string, kind: Kind): JsonObject {
  const unrecognized = (message: string): Error =>
    badRequest(
      `the object provided is unrecognized (must be of type ${kind.kind}): couldn't get version/kind; json parse error: ${message} (${excerpt(body)})`,
    );
  let value: JsonValue;
  try {
    value = JSON.parse(body) as JsonValue;
  } catch {
    throw unrecognized(syntaxMessage(body));
  }
  if (value === null) return {};
  if (isObject(value)) return value;
  const found = Array.isArray(value) ? 'array' : typeof value === 'boolean' ? 'bool' : typeof value;
  throw unrecognized(
    `json: cannot unmarshal ${found} into Go value of type struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }`,
  );
}

/** The start of a body, as the real server quotes it: as text where it looks like JSON, else in hexadecimal. */
function excerpt(body: string): string {
  if (body === '') return '<empty>';
  const text = body.trimStart().startsWith('{') ? body : Buffer.from(body).toString('hex');
  return text.length > 30 ? `${text.slice(0, 30)} ...` : text;
}
