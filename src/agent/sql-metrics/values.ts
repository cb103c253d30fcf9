import { QueryResultError } from './errors.ts';

const UNITS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};

/**
 * A value of a column as the number of a series; null: there is none (SQL null). Booleans are 1 and 0, points in time
 * are Unix seconds, numeric and bigint come as text.
 * @throws QueryResultError where it is no number
 */
export function numberOf(column: string, value: unknown): number | null {
  if (value === null || value === undefined) return null;
  if (typeof value === 'number') return value;
  if (typeof value === 'boolean') return value ? 1 : 0;
  if (value instanceof Date) return value.getTime() / 1000;
  if (typeof value === 'string') {
    const number = parseNumber(value);
    if (number !== null) return number;
  }
  throw new QueryResultError(`the column ${column} has ${shown(value)}, which is no number`);
}

/** Go's notation of a duration ("1h2m3.5s", "250ms"), which CloudNativePG takes, in milliseconds; -1: none. */
export function durationOf(column: string, value: unknown): number | null {
  if (value === null || value === undefined || value === '-1') return null;
  const text = typeof value === 'string' ? value.trim() : '';
  const match = /^([-+]?)((?:\d+(?:\.\d*)?(?:ns|us|µs|μs|ms|s|m|h))+|0)$/.exec(text);
  if (match === null)
    throw new QueryResultError(
      `the column ${column} has ${shown(value)}, which is no duration such as 1m30s`,
    );
  const parts = [...(match[2] ?? '').matchAll(/(\d+(?:\.\d*)?)(ns|us|µs|μs|ms|s|m|h)/g)];
  const sum = parts.reduce((total, [, count, unit = '']) => total + Number(count) * (UNITS[unit] ?? 0), 0);
  return match[1] === '-' ? -sum : sum;
}

/** The number that a text stands for; null: SQL null. @throws QueryResultError where the file names none for it */
export function mappedOf(
  column: string,
  value: unknown,
  values: Readonly<Record<string, number>>,
): number | null {
  if (value === null || value === undefined) return null;
  const text = labelOf(value);
  const number = Object.hasOwn(values, text) ? values[text] : undefined;
  if (number === undefined)
    throw new QueryResultError(
      `the column ${column} has ${shown(value)}, which its metric_mapping does not have`,
    );
  return number;
}

/** A value as a label; SQL null is an empty one, which Prometheus takes for none. */
export function labelOf(value: unknown): string {
  if (value === null || value === undefined) return '';
  if (value instanceof Date) return value.toISOString();
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

/** @throws QueryResultError where it is no list of numbers */
export function numbersOf(column: string, value: unknown): readonly number[] {
  if (!Array.isArray(value)) throw new QueryResultError(`the column ${column} is no array`);
  return value.map((item) => {
    const number = numberOf(column, item);
    if (number === null) throw new QueryResultError(`the column ${column} has a null in its array`);
    return number;
  });
}

function parseNumber(text: string): number | null {
  switch (text) {
    case 'Infinity':
    case 'NaN':
    case '-Infinity':
      return Number(text);
    default:
      return /^[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?$/.test(text.trim()) ? Number(text) : null;
  }
}

/** Enough of a value to find it: it goes to the log. */
function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length <= 60 ? text : `${text.slice(0, 60)}…`;
}
