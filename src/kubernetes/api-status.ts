import type { IncomingHttpHeaders } from 'node:http';
import { type ApiCall, describeCall, groupOf, type Resource } from './api-call.ts';
import { ApiForbiddenError, ApiStatusError, ApiUnauthorizedError, type StatusDetails } from './errors.ts';
import { property, textProperty } from './wire.ts';

/** The error for an answer with an error status; its body is a Status object unless a proxy answered. */
export function statusError(
  call: ApiCall,
  status: number,
  body: unknown,
  headers: IncomingHttpHeaders = {},
): ApiStatusError {
  const details: StatusDetails = {
    status,
    reason: textProperty(body, 'reason'),
    message: textProperty(body, 'message') || '(no message)',
    name: textProperty(body, 'details', 'name'),
    kind: textProperty(body, 'details', 'kind'),
    retryAfterSeconds: retryAfter(headers['retry-after'] ?? property(body, 'details', 'retryAfterSeconds')),
  };
  const what = describeCall(call);
  if (status === 401) return new ApiUnauthorizedError(what, details);
  if (status === 403) {
    return new ApiForbiddenError(what, details, {
      group: groupOf(call.resource),
      resource: call.resource,
      verb: call.verb,
    });
  }
  return new ApiStatusError(what, details);
}

/**
 * Whether the error says that this very object is not there. A 404 that names no object, or another one, is another
 * thing: an API server that is still starting, a proxy, a missing namespace. Nobody may take it for a deleted record.
 */
export function saysAbsent(error: unknown, name: string, resource: Resource = 'leases'): boolean {
  return (
    error instanceof ApiStatusError &&
    error.status === 404 &&
    error.details.reason === 'NotFound' &&
    error.details.name === name &&
    error.details.kind === resource
  );
}

function retryAfter(value: unknown): number | null {
  const seconds = typeof value === 'string' ? Number(value) : value;
  return typeof seconds === 'number' && seconds >= 0 && Number.isFinite(seconds) ? seconds : null;
}
