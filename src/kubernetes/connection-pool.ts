import { type AgentOptions, type ClientRequest, Agent as HttpAgent, request as httpRequest } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import type { ApiEndpoint } from './endpoint.ts';
import type { TlsMaterial } from './endpoint-source.ts';

/** Below the 90 s after which kube-apiserver closes an idle connection, so that we close first. */
const IDLE_SOCKET = 45_000;
/** A peer that is gone without a word is noticed after this and ten unanswered probes a second apart (libuv). */
const KEEP_ALIVE_PROBE = 5_000;
/** Connections of the proof before stay for requests in flight, at most for this long. */
const RETIREMENT = 10 * 60_000;

/** Keep-alive connections to one endpoint: a bounded number, and new ones after a rotation of the TLS proof. */
export class ConnectionPool {
  readonly #endpoint: ApiEndpoint;
  readonly #maxSockets: number;
  readonly #retired = new Set<HttpAgent>();
  #current: { readonly tls: TlsMaterial; readonly agent: HttpAgent } | null = null;

  constructor(endpoint: ApiEndpoint, maxSockets: number) {
    this.#endpoint = endpoint;
    this.#maxSockets = maxSockets;
  }

  /** A request that was not sent yet. */
  request(method: string, path: string, headers: Readonly<Record<string, string>>): ClientRequest {
    const { server, host } = this.#endpoint;
    const secure = server.protocol === 'https:';
    const open = secure ? httpsRequest : httpRequest;
    return open({
      host,
      port: server.port === '' ? (secure ? 443 : 80) : server.port,
      path,
      method,
      headers,
      agent: this.#agent(),
    });
  }

  /** Breaks every connection. */
  close(): void {
    for (const agent of this.#retired) agent.destroy();
    this.#retired.clear();
    this.#current?.agent.destroy();
    this.#current = null;
  }

  #agent(): HttpAgent {
    const tls = this.#endpoint.tls;
    if (this.#current?.tls === tls) return this.#current.agent;
    if (this.#current !== null) this.#retire(this.#current.agent);
    const agent = this.#newAgent(tls);
    this.#current = { tls, agent };
    return agent;
  }

  #newAgent(tls: TlsMaterial): HttpAgent {
    const options: AgentOptions = {
      keepAlive: true,
      keepAliveMsecs: KEEP_ALIVE_PROBE,
      maxSockets: this.#maxSockets,
      maxFreeSockets: 2,
      timeout: IDLE_SOCKET,
      lookup: this.#endpoint.lookup,
    };
    if (this.#endpoint.server.protocol === 'http:') return new HttpAgent(options);
    return new HttpsAgent({
      ...options,
      rejectUnauthorized: tls.rejectUnauthorized,
      ...(tls.ca === null ? {} : { ca: tls.ca }),
      ...(tls.cert === null ? {} : { cert: tls.cert }),
      ...(tls.key === null ? {} : { key: tls.key }),
      ...(tls.servername === null ? {} : { servername: tls.servername }),
    });
  }

  #retire(agent: HttpAgent): void {
    this.#retired.add(agent);
    setTimeout(() => {
      this.#retired.delete(agent);
      agent.destroy();
    }, RETIREMENT).unref();
  }
}

/** Probes a connection that carries a long answer, so that a peer that is gone without a word is noticed. */
export function probeWhileOpen(request: ClientRequest): void {
  request.once('socket', (socket) => socket.setKeepAlive(true, KEEP_ALIVE_PROBE));
}
