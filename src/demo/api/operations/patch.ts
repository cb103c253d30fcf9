import { DecodeError } from '../decode/decode.ts';
import { decodeObject, type FieldValidation } from '../decode/object.ts';
import { syntaxMessage } from '../decode/syntax.ts';
import { isObject, type JsonObject, type JsonValue } from '../json.ts';
import { type ApiObject, asJson } from '../objects.ts';
import { jsonPatch } from '../patch/json-patch.ts';
import { mergePatch } from '../patch/merge-patch.ts';
import { strategicMergePatch } from '../patch/strategic-merge-patch.ts';
import { badRequest, invalid } from '../status.ts';
import type { Draft } from '../store/draft.ts';
import { invalidField } from '../validation/field-error.ts';
import { existing, type Target } from './target.ts';
import { checkNames, replace, type UpdateOptions } from './update.ts';

export type PatchType = 'json' | 'merge' | 'strategic';

/** Patch types by the media type of the body. */
export const PATCH_TYPES: Readonly<Record<string, PatchType>> = {
  'application/json-patch+json': 'json',
  'application/merge-patch+json': 'merge',
  'application/strategic-merge-patch+json': 'strategic',
};

export interface PatchOptions extends UpdateOptions {
  readonly validation: FieldValidation;
  /** Hears of unknown fields. */
  readonly warnings: string[];
}

/**
 * PATCH. A patch that carries a resourceVersion holds only for that version; another applies to whatever is there.
 * @throws StatusError 400, 404, 409 Conflict, 422
 */
export function patch(
  draft: Draft,
  target: Target,
  type: PatchType,
  document: JsonValue,
  options: PatchOptions,
): ApiObject {
  const old = existing(draft, target);
  const patched = applyPatch(type, asJson(old), document);
  const { object, warnings } = decodePatched(target, patched, options.validation);
  options.warnings.push(...warnings);
  checkNames(target, object.metadata);
  return replace(draft, target, object, old, options);
}

/**
 * The body of a PATCH.
 * @throws StatusError 400
 */
export function parsePatch(type: PatchType, body: string): JsonValue {
  const prefix = type === 'strategic' ? '' : 'error decoding patch: ';
  let value: JsonValue;
  try {
    value = JSON.parse(body) as JsonValue;
  } catch {
    throw badRequest(`${prefix}${syntaxMessage(body)}`);
  }
  if (type === 'json' || isObject(value)) return value;
  if (value === null && type === 'strategic') return {};
  if (value === null) throw badRequest('Invalid JSON Patch');
  const found = Array.isArray(value) ? 'array' : typeof value === 'boolean' ? 'bool' : typeof value;
  throw badRequest(`${prefix}json: cannot unmarshal ${found} into Go value of type map[string]interface {}`);
}

function applyPatch(type: PatchType, target: JsonObject, document: JsonValue): JsonValue {
  if (type === 'json') return jsonPatch(target, document);
  if (type === 'merge' || !isObject(document)) return mergePatch(target, document);
  return strategicMergePatch(target, document);
}

function decodePatched(
  { kind }: Target,
  patched: JsonValue,
  validation: FieldValidation,
): { object: ApiObject; warnings: readonly string[] } {
  const wrong = (message: string): Error =>
    invalid({ group: '', name: '' }, '', [invalidField('patch', JSON.stringify(patched), message)]);
  if (!isObject(patched)) throw wrong('json: cannot unmarshal into Go value');
  if (patched.kind !== kind.kind) {
    throw wrong(
      `no kind ${JSON.stringify(patched.kind)} is registered for version ${JSON.stringify(patched.apiVersion)} in scheme "pkg/runtime/scheme.go:110"`,
    );
  }
  try {
    return decodeObject(patched, kind, validation);
  } catch (error) {
    if (error instanceof DecodeError) throw wrong(error.message);
    throw error;
  }
}
