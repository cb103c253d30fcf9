import { syntaxMessage } from '../decode/syntax.ts';
import { isObject, type JsonObject, type JsonValue, objectAt } from '../json.ts';
import { invalid, plainError } from '../status.ts';
import { unsupportedValue } from '../validation/field-error.ts';
import type { DeleteOptions } from './delete.ts';

const POLICIES = ['Foreground', 'Background', 'Orphan'];

export interface ParsedDeleteOptions extends DeleteOptions {
  readonly dryRun: boolean;
}

/**
 * metav1.DeleteOptions from the body, or, where there is none, from the query.
 * @throws StatusError 422; 500 for a body that is not JSON, as the real server does.
 */
export function parseDeleteOptions(body: string, query: URLSearchParams, now: number): ParsedDeleteOptions {
  const options = body === '' ? fromQuery(query) : fromBody(body);
  const { propagationPolicy: policy, gracePeriodSeconds: grace } = options;
  if (typeof policy === 'string' && policy !== '' && !POLICIES.includes(policy)) {
    const error = unsupportedValue('propagationPolicy', policy, [...POLICIES, 'nil']);
    throw invalid({ group: 'meta.k8s.io', name: 'DeleteOptions' }, '', [error]);
  }
  const { uid, resourceVersion } = objectAt(options, 'preconditions');
  return {
    uid: typeof uid === 'string' ? uid : null,
    resourceVersion: typeof resourceVersion === 'string' ? resourceVersion : null,
    // A negative period means the least that there is: one second.
    gracePeriodSeconds: typeof grace === 'number' ? (grace < 0 ? 1 : grace) : null,
    dryRun: isDryRun('DeleteOptions', [options.dryRun, ...query.getAll('dryRun')].flat()),
    now,
  };
}

/**
 * Whether a write is only to be tried.
 * @throws StatusError 422 for a value other than `All`
 */
export function isDryRun(kind: string, values: readonly (JsonValue | undefined)[]): boolean {
  const given = values.filter((value) => value !== undefined && value !== '');
  const wrong = given.find((value) => value !== 'All');
  if (wrong !== undefined) {
    const error = unsupportedValue('dryRun', given.map(String), ['All']);
    throw invalid({ group: 'meta.k8s.io', name: kind }, '', [error]);
  }
  return given.length > 0;
}

function fromQuery(query: URLSearchParams): JsonObject {
  const grace = query.get('gracePeriodSeconds');
  return {
    ...(grace === null || !/^-?\d+$/.test(grace) ? {} : { gracePeriodSeconds: Number(grace) }),
    propagationPolicy: query.get('propagationPolicy'),
  };
}

function fromBody(body: string): JsonObject {
  try {
    const value = JSON.parse(body) as JsonValue;
    return isObject(value) ? value : {};
  } catch {
    throw plainError(`couldn't get version/kind; json parse error: ${syntaxMessage(body)}`);
  }
}
