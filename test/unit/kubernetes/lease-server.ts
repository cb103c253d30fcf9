import { randomUUID } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { failure, json, type Received, ScriptedServer } from './scripted-server.ts';

interface StoredLease {
  metadata: { name: string; resourceVersion?: string; uid?: string; [key: string]: unknown };
  spec?: Record<string, unknown>;
}

/** What becomes of a request: answered, done but its reply lost, neither done nor answered. */
export type Fate = 'answer' | 'lose-reply' | 'hang';

/** Leases with optimistic concurrency over real HTTP, and faults on request. */
export class LeaseServer implements AsyncDisposable {
  readonly http: ScriptedServer;
  readonly leases = new Map<string, StoredLease>();
  readonly held: (() => void)[] = [];
  /** Decides the fate of each request; `hold` makes it wait in `held`. */
  fate: (request: Received) => Fate | 'hold' = () => 'answer';
  #version = 100;

  private constructor(http: ScriptedServer) {
    this.http = http;
    http.handler = (request, response) => this.#serve(request, response);
  }

  static async start(): Promise<LeaseServer> {
    return new LeaseServer(await ScriptedServer.start());
  }

  count(method: string): number {
    return this.http.requests.filter((request) => request.method === method).length;
  }

  /** Changes a Lease as somebody else would. */
  touch(name: string, change: (lease: StoredLease) => void): void {
    const lease = this.leases.get(name);
    if (lease === undefined) throw new Error(`no lease ${name}`);
    change(lease);
    this.#version += 1;
    lease.metadata.resourceVersion = String(this.#version);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.http[Symbol.asyncDispose]();
  }

  #serve(request: Received, response: ServerResponse): void {
    const fate = this.fate(request);
    if (fate === 'hang') return;
    if (fate === 'hold') {
      this.held.push(() => this.#answer(request, response));
      return;
    }
    if (fate === 'answer') this.#answer(request, response);
    else {
      // The work is done on a response that nobody reads.
      response.socket?.resetAndDestroy();
      this.#answer(request, response);
    }
  }

  #answer(request: Received, response: ServerResponse): void {
    const name = request.path.split('/').at(-1) ?? '';
    const stored = this.leases.get(name);
    const sent = structuredClone(request.body) as StoredLease;
    switch (request.method) {
      case 'GET':
        if (stored === undefined) failure(response, 404, 'NotFound', name);
        else json(response, 200, stored);
        return;
      case 'POST':
        if (this.leases.has(sent.metadata.name)) failure(response, 409, 'AlreadyExists', sent.metadata.name);
        else json(response, 201, this.#put({ ...sent, metadata: { ...sent.metadata, uid: randomUUID() } }));
        return;
      case 'PUT':
        if (stored === undefined || sent.metadata.uid !== stored.metadata.uid) {
          failure(response, 409, 'Conflict', name);
        } else if (sent.metadata.resourceVersion !== stored.metadata.resourceVersion) {
          failure(response, 409, 'Conflict', name);
        } else json(response, 200, this.#put(sent));
        return;
      default:
        this.leases.delete(name);
        json(response, 200, {});
    }
  }

  #put(lease: StoredLease): StoredLease {
    this.#version += 1;
    lease.metadata.resourceVersion = String(this.#version);
    this.leases.set(lease.metadata.name, lease);
    return lease;
  }
}
