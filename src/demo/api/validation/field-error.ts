import type { JsonValue } from '../json.ts';

/** One cause of a 422, as k8s.io/apimachinery's field.Error renders it. */
export interface FieldError {
  readonly reason: string;
  readonly message: string;
  readonly field: string;
}

export const invalidField = (field: string, value: JsonValue, detail: string): FieldError => ({
  reason: 'FieldValueInvalid',
  message: `Invalid value: ${JSON.stringify(value)}: ${detail}`,
  field,
});

export const requiredField = (field: string, detail = ''): FieldError => ({
  reason: 'FieldValueRequired',
  message: detail === '' ? 'Required value' : `Required value: ${detail}`,
  field,
});

export const forbiddenField = (field: string, detail: string): FieldError => ({
  reason: 'FieldValueForbidden',
  message: `Forbidden: ${detail}`,
  field,
});

export const unsupportedValue = (
  field: string,
  value: JsonValue,
  supported: readonly string[],
): FieldError => ({
  reason: 'FieldValueNotSupported',
  message: `Unsupported value: ${JSON.stringify(value)}: supported values: ${supported.map((item) => JSON.stringify(item)).join(', ')}`,
  field,
});

export const tooLong = (field: string, limit: number): FieldError => ({
  reason: 'FieldValueTooLong',
  message: `Too long: may not be more than ${limit} bytes`,
  field,
});

/** Go's errors.Aggregate: one message alone, several in brackets, each only once. */
export function aggregateMessage(errors: readonly FieldError[]): string {
  const messages = [...new Set(errors.map(({ field, message }) => `${field}: ${message}`))];
  return messages.length === 1 ? (messages[0] ?? '') : `[${messages.join(', ')}]`;
}
