import type { Instant } from '../ha/units.ts';

/** The verbs of RBAC that this folder uses. */
export type Verb = 'get' | 'list' | 'watch' | 'create' | 'update' | 'patch' | 'delete';
export type Resource = 'leases' | 'pods' | 'pods/eviction' | 'events' | 'statefulsets';

const GROUPS = {
  leases: 'coordination.k8s.io',
  pods: '',
  'pods/eviction': '',
  events: '',
  statefulsets: 'apps',
} as const;
const METHODS = {
  get: 'GET',
  list: 'GET',
  watch: 'GET',
  create: 'POST',
  update: 'PUT',
  patch: 'PATCH',
  delete: 'DELETE',
} as const;

/** One request. */
export interface ApiCall {
  readonly verb: Verb;
  readonly resource: Resource;
  readonly namespace: string;
  /** The object's; left out for list, watch and create (but of a subresource). */
  readonly name?: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

/** An answer with a success status. */
export interface ApiAnswer {
  readonly status: number;
  readonly body: unknown;
  /** Taken just before the request was handed to the socket: never later than the server saw it. */
  readonly sentAt: Instant;
}

/** Called once a call: `code` is the HTTP status, or `deadline`, `unreachable`, `aborted`, `answer`. */
export type ObserveCall = (verb: Verb, resource: Resource, code: string, seconds: number) => void;

export const methodOf = (call: ApiCall): string => METHODS[call.verb];

export const groupOf = (resource: Resource): string => GROUPS[resource];

/** The path and query of a call, under the server's own path. */
export function pathOf(call: ApiCall, server: URL): string {
  const group = GROUPS[call.resource];
  const root = group === '' ? '/api/v1' : `/apis/${group}/v1`;
  const base = server.pathname.replace(/\/+$/, '');
  const [resource, subresource] = call.resource.split('/');
  const name = call.name === undefined ? '' : `/${encodeURIComponent(call.name)}`;
  const below = subresource === undefined ? '' : `/${subresource}`;
  const query = call.query === undefined ? '' : `?${new URLSearchParams(call.query)}`;
  return `${base}${root}/namespaces/${encodeURIComponent(call.namespace)}/${resource}${name}${below}${query}`;
}

/** The call as a person would say it, for messages. */
export function describeCall(call: ApiCall): string {
  return `${call.verb} ${call.resource} ${call.namespace}${call.name === undefined ? '' : `/${call.name}`}`;
}
