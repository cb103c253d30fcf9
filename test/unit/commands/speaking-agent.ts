import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ClusterMember, ClusterStatus } from '../../../src/http/ports.ts';

export interface Received {
  readonly call: string;
  readonly body: unknown;
  readonly authorization: string | undefined;
}

type Answer = { status: number; body: unknown } | 'hang up' | 'not json';

/** A real HTTP server, on a Unix socket or a port, that speaks as an agent does. */
export class SpeakingAgent implements AsyncDisposable {
  readonly received: Received[] = [];
  readonly #server: Server;
  readonly #dir: string | null;
  readonly socket: string;

  private constructor(server: Server, dir: string | null) {
    this.#server = server;
    this.#dir = dir;
    this.socket = dir === null ? '' : join(dir, 'agent.sock');
  }

  static async onSocket(answer: (received: Received) => Answer): Promise<SpeakingAgent> {
    const dir = await mkdtemp(join(tmpdir(), 'pgw-'));
    return SpeakingAgent.#listen(answer, dir);
  }

  static onPort(answer: (received: Received) => Answer): Promise<SpeakingAgent> {
    return SpeakingAgent.#listen(answer, null);
  }

  static async #listen(answer: (received: Received) => Answer, dir: string | null): Promise<SpeakingAgent> {
    const server = createServer(async (incoming, outgoing) => {
      const received = await receive(incoming);
      agent.received.push(received);
      const said = answer(received);
      if (said === 'hang up') outgoing.destroy();
      else if (said === 'not json') outgoing.end('<html>');
      else outgoing.writeHead(said.status).end(JSON.stringify(said.body));
    });
    const agent = new SpeakingAgent(server, dir);
    if (dir === null) server.listen(0, '127.0.0.1');
    else server.listen(agent.socket);
    await once(server, 'listening');
    return agent;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
    if (this.#dir !== null) await rm(this.#dir, { recursive: true, force: true });
  }
}

async function receive(incoming: IncomingMessage): Promise<Received> {
  let text = '';
  for await (const chunk of incoming) text += chunk;
  return {
    call: `${incoming.method} ${incoming.url}`,
    body: text === '' ? null : JSON.parse(text),
    authorization: incoming.headers.authorization,
  };
}

/** A member as `/v1/cluster` tells it. */
export function aMember(name: string, over: Partial<ClusterMember> = {}): ClusterMember {
  return {
    name,
    identity: `${name}-0000000a`,
    role: 'standby',
    state: 'standby',
    host: '127.0.0.1',
    port: 5432,
    http: '',
    timeline: 1,
    epoch: 1,
    lagBytes: 0,
    replayLag: null,
    sync: null,
    streaming: true,
    fenced: false,
    pendingRestart: false,
    tags: { nofailover: false, nosync: false, priority: 0 },
    progress: null,
    ...over,
  } as ClusterMember;
}

/** Three members, pg-0 leads epoch 1. */
export function aCluster(over: Partial<ClusterStatus> | Record<string, unknown> = {}): ClusterStatus {
  return {
    cluster: 'pg',
    namespace: 'default',
    clusterUID: 'uid',
    systemIdentifier: '1',
    epoch: 1,
    settledEpoch: 1,
    primary: 'pg-0',
    seenAt: null,
    timeline: 1,
    cohort: ['pg-1-0000000a', 'pg-2-0000000a'],
    acks: 1,
    durability: 'required',
    paused: false,
    fenced: [],
    ending: null,
    switchover: null,
    members: [
      aMember('pg-0', { role: 'primary', state: 'primary', streaming: false }),
      aMember('pg-1'),
      aMember('pg-2', { lagBytes: 2048 }),
    ],
    ...over,
  } as ClusterStatus;
}
