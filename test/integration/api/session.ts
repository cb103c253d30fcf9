import { setTimeout as sleep } from 'node:timers/promises';
import type { ClientConfiguration } from '../../kube/client-configuration.ts';
import { type Answer, type Call, type Json, RawClient } from './raw-client.ts';

const ACCOUNT_WITHIN = 10_000;
const GROUPS: Record<string, string> = { leases: '/apis/coordination.k8s.io/v1' };

/** A scenario's way to a server: every answer is written down, so that two servers can be compared. */
export class Session {
  readonly client: RawClient;
  readonly namespace: string;
  readonly transcript: unknown[] = [];

  constructor(configuration: ClientConfiguration, namespace: string) {
    this.client = new RawClient(configuration);
    this.namespace = namespace;
  }

  /** `leases`, `leases/a`, `pods/a/status?…`: a path in the scenario's namespace. */
  path(resource: string): string {
    const root = GROUPS[resource.split(/[/?]/)[0] ?? ''] ?? '/api/v1';
    return `${root}/namespaces/${this.namespace}/${resource}`;
  }

  get = (resource: string, call?: Call): Promise<Answer> => this.#call('GET', resource, call);
  post = (resource: string, body: unknown, call?: Call): Promise<Answer> =>
    this.#call('POST', resource, { ...call, body });
  put = (resource: string, body: unknown, call?: Call): Promise<Answer> =>
    this.#call('PUT', resource, { ...call, body });
  delete = (resource: string, body?: unknown): Promise<Answer> => this.#call('DELETE', resource, { body });
  merge = (resource: string, body: unknown): Promise<Answer> => this.#patch(resource, body, 'merge-patch');
  strategic = (resource: string, body: unknown): Promise<Answer> =>
    this.#patch(resource, body, 'strategic-merge-patch');
  json = (resource: string, body: unknown): Promise<Answer> => this.#patch(resource, body, 'json-patch');

  /** A request of any path and method. */
  async raw(method: string, path: string, call?: Call): Promise<Answer> {
    let answer = await this.client.call(method, path, call);
    // In a whole cluster, a namespace gets its service account a moment after it was made; pods need it.
    const deadline = performance.now() + ACCOUNT_WITHIN;
    while (/serviceaccount .* not found/.test(answer.body?.message) && performance.now() < deadline) {
      await sleep(50);
      answer = await this.client.call(method, path, call);
    }
    const { code, headers, body, text } = answer;
    const kept = {
      type: headers['content-type'],
      warning: headers.warning,
      retryAfter: headers['retry-after'],
    };
    this.transcript.push({ request: `${method} ${path}`, code, ...kept, body: body ?? text });
    return answer;
  }

  /** The events of a watch, until there are `count` (or the server ends it). */
  async watch(
    resource: string,
    count: number,
    meanwhile: () => Promise<void> = async () => {},
  ): Promise<Json[]> {
    const events: Json[] = [];
    const stop = new AbortController();
    const collecting = this.#collect(resource, count, events, stop);
    try {
      await meanwhile();
      await collecting;
    } finally {
      stop.abort();
    }
    this.transcript.push({ watch: resource.replace(/resourceVersion=\d+/, 'resourceVersion=…'), events });
    return events;
  }

  async #collect(resource: string, count: number, events: Json[], stop: AbortController): Promise<void> {
    for await (const event of this.client.watch(this.path(resource), stop.signal)) {
      events.push(event);
      if (events.length >= count) return;
    }
  }

  #call(method: string, resource: string, call?: Call): Promise<Answer> {
    return this.raw(method, this.path(resource), call);
  }

  #patch(resource: string, body: unknown, kind: string): Promise<Answer> {
    return this.raw('PATCH', this.path(resource), { body, type: `application/${kind}+json` });
  }
}
