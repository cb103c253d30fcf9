/** A JSON Schema (draft 2020-12, the part that draft 7 shares), as OpenAPI 3.1 uses it. */
export type JsonSchema = { readonly [keyword: string]: unknown };

type Properties = { readonly [name: string]: JsonSchema };

/** An object with exactly these properties; all of them required except the ones named in `optional`. */
export function object(
  properties: Properties,
  optional: readonly string[] = [],
  description?: string,
): JsonSchema {
  return {
    type: 'object',
    ...(description === undefined ? {} : { description }),
    properties,
    required: Object.keys(properties).filter((name) => !optional.includes(name)),
    additionalProperties: false,
  };
}

export const text = (description?: string): JsonSchema => described({ type: 'string' }, description);
export const matching = (pattern: RegExp, maxLength: number, description: string): JsonSchema => ({
  type: 'string',
  pattern: pattern.source,
  maxLength,
  description,
});
export const oneOf = (values: readonly string[], description?: string): JsonSchema =>
  described({ type: 'string', enum: values }, description);
export const time = (description?: string): JsonSchema =>
  described({ type: 'string', format: 'date-time', maxLength: 40 }, description);
export const whole = (description?: string, minimum = 0): JsonSchema =>
  described({ type: 'integer', minimum, maximum: Number.MAX_SAFE_INTEGER }, description);
export const number = (description?: string): JsonSchema => described({ type: 'number' }, description);
export const flag = (description?: string): JsonSchema => described({ type: 'boolean' }, description);
export const list = (items: JsonSchema, description?: string): JsonSchema =>
  described({ type: 'array', items }, description);
export const ref = (name: string): JsonSchema => ({ $ref: `#/components/schemas/${name}` });
export const anything = (description: string): JsonSchema => ({ description });

/** The schema, or null. */
export function orNull(schema: JsonSchema): JsonSchema {
  if ('$ref' in schema) return { anyOf: [schema, { type: 'null' }] };
  const nullable = { ...schema, type: [schema.type, 'null'] };
  return Array.isArray(schema.enum) ? { ...nullable, enum: [...(schema.enum as unknown[]), null] } : nullable;
}

function described(schema: JsonSchema, description: string | undefined): JsonSchema {
  return description === undefined ? schema : { ...schema, description };
}
