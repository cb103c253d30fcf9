import type { Kind } from '../kinds/kind.ts';
import type { ApiObject } from '../objects.ts';
import { parseFieldSelector } from '../select/field-selector.ts';
import { parseLabelSelector } from '../select/label-selector.ts';
import { badRequest, invalid, plainError, type StatusError } from '../status.ts';
import { type FieldError, forbiddenField, unsupportedValue } from '../validation/field-error.ts';

export interface ListOptions {
  readonly watch: boolean;
  /** Null: not given. Zero: any. */
  readonly resourceVersion: number | null;
  readonly match: 'Exact' | 'NotOlderThan' | null;
  readonly limit: number;
  readonly continueToken: string;
  readonly timeoutSeconds: number | null;
  readonly bookmarks: boolean;
  readonly sendInitialEvents: boolean | null;
  readonly selects: (object: ApiObject) => boolean;
  /** There is a selector. */
  readonly selective: boolean;
}

/**
 * metav1.ListOptions from a query.
 * @throws StatusError 400, 422; 500 for a watch at a resourceVersion that is not a number, as the real server does.
 */
export function parseListOptions(query: URLSearchParams, kind: Kind): ListOptions {
  const watch = flag(query, 'watch') ?? false;
  const labels = query.get('labelSelector') ?? '';
  const fields = query.get('fieldSelector') ?? '';
  const limit = integer(query, 'limit') ?? 0;
  const timeoutSeconds = integer(query, 'timeoutSeconds');
  const sendInitialEvents = flag(query, 'sendInitialEvents');
  const matchesLabels = parseLabelSelector(labels);
  const matchesFields = parseFieldSelector(fields, kind);
  const match = query.get('resourceVersionMatch') ?? '';
  const version = query.get('resourceVersion') ?? '';
  const continueToken = query.get('continue') ?? '';
  const errors = validate({ watch, match, version, continueToken, sendInitialEvents });
  if (errors.length > 0) throw invalid({ group: 'meta.k8s.io', name: 'ListOptions' }, '', errors);
  return {
    watch,
    resourceVersion: version === '' ? null : parseVersion(version, watch),
    match: match === '' ? null : (match as 'Exact' | 'NotOlderThan'),
    limit: Math.max(limit, 0),
    continueToken,
    timeoutSeconds,
    bookmarks: flag(query, 'allowWatchBookmarks') ?? false,
    sendInitialEvents,
    selects: (object) => matchesLabels(object.metadata.labels ?? {}) && matchesFields(object),
    selective: labels !== '' || fields !== '',
  };
}

/** A parsed resourceVersion of a GET. @throws StatusError 500, as the real server does. */
export const parseGetVersion = (text: string): number => parseVersion(text, true);

interface Given {
  readonly watch: boolean;
  readonly match: string;
  readonly version: string;
  readonly continueToken: string;
  readonly sendInitialEvents: boolean | null;
}

/** ValidateListOptions of k8s.io/apimachinery. */
function validate({ watch, match, version, continueToken, sendInitialEvents }: Given): readonly FieldError[] {
  const field = 'resourceVersionMatch';
  if (watch) {
    if (match !== '' && sendInitialEvents === null) {
      return [forbiddenField(field, `${field} is forbidden for watch unless sendInitialEvents is provided`)];
    }
    if (sendInitialEvents === null) return [];
    if (match !== 'NotOlderThan') {
      return [forbiddenField(field, `sendInitialEvents requires setting ${field} to NotOlderThan`)];
    }
    return [];
  }
  const errors: FieldError[] = [];
  if (sendInitialEvents !== null) {
    errors.push(forbiddenField('sendInitialEvents', 'sendInitialEvents is forbidden for list'));
  }
  if (match === '') return errors;
  if (version === '')
    errors.push(forbiddenField(field, `${field} is forbidden unless resourceVersion is provided`));
  if (continueToken !== '')
    errors.push(forbiddenField(field, `${field} is forbidden when continue is provided`));
  if (match !== 'Exact' && match !== 'NotOlderThan') {
    errors.push(unsupportedValue(field, match, ['Exact', 'NotOlderThan', '']));
  }
  if (match === 'Exact' && version === '0') {
    errors.push(forbiddenField(field, `${field} "exact" is forbidden for resourceVersion "0"`));
  }
  return errors;
}

function parseVersion(text: string, bare: boolean): number {
  if (/^\d+$/.test(text)) return Number(text);
  const message = `resourceVersion: Invalid value: ${JSON.stringify(text)}: strconv.ParseUint: parsing ${JSON.stringify(text)}: invalid syntax`;
  throw bare ? plainError(message) : badRequest(`invalid resource version: ${message}`);
}

/** Go's conversion of a query value: everything but `false` and `0` is true. */
function flag(query: URLSearchParams, name: string): boolean | null {
  const value = query.get(name);
  return value === null ? null : value.toLowerCase() !== 'false' && value !== '0';
}

function integer(query: URLSearchParams, name: string): number | null {
  const value = query.get(name);
  if (value === null) return null;
  if (!/^[-+]?\d+$/.test(value)) throw syntaxError(value);
  return Number(value);
}

const syntaxError = (value: string): StatusError =>
  badRequest(`strconv.ParseInt: parsing ${JSON.stringify(value)}: invalid syntax`);
