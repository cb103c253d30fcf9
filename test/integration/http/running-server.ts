import { mkdtemp, rm } from 'node:fs/promises';
import http from 'node:http';
import https from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createMetrics, type Metrics } from '../../../src/http/metrics.ts';
import { type HttpAddress, HttpServer, type HttpServerOptions } from '../../../src/http/server.ts';
import { ScriptedAgent } from '../../unit/http/scripted-agent.ts';

export const TOKEN = 'a-token-for-tests';

/** A server on free addresses in a directory of its own; `await using` ends it. */
export interface RunningServer extends AsyncDisposable {
  readonly agent: ScriptedAgent;
  readonly metrics: Metrics;
  readonly address: HttpAddress;
  readonly directory: string;
  readonly socketPath: string;
  readonly events: { level: string; event: string; details: Readonly<Record<string, unknown>> }[];
  /** Fulfilled when `run` has returned. */
  readonly ended: Promise<void>;
  end(): void;
}

export async function runServer(options: Partial<HttpServerOptions> = {}): Promise<RunningServer> {
  const directory = await mkdtemp(join(tmpdir(), 'pgwarden-http-'));
  const socketPath = options.socketPath ?? join(directory, 'run', 'agent.sock');
  const agent = new ScriptedAgent();
  const metrics = createMetrics(agent.registry);
  const events: RunningServer['events'] = [];
  const server = new HttpServer(agent, {
    host: '127.0.0.1',
    port: 0,
    socketPath,
    tls: null,
    token: () => TOKEN,
    metrics,
    refreshMetrics: () =>
      metrics.updateFromStatus(agent.status(), agent.cluster(), {
        sample: null,
        sampleAge: null,
        guard: 'armed',
        guardMargin: null,
      }),
    log: (level, event, details) => void events.push({ level, event, details }),
    ...options,
  });
  const controller = new AbortController();
  const ended = server.run(controller.signal);
  ended.catch(() => undefined);
  const address = await server.listening.catch(async (error: unknown) => {
    await rm(directory, { recursive: true, force: true });
    throw error;
  });
  const end = (): void => controller.abort();
  return {
    agent,
    metrics,
    address,
    directory,
    socketPath,
    events,
    ended,
    end,
    async [Symbol.asyncDispose]() {
      end();
      await ended;
      await rm(directory, { recursive: true, force: true });
    },
  };
}

export interface Answer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: whatever the server says
  readonly json: any;
}

export interface Ask {
  readonly method?: string;
  readonly path: string;
  readonly token?: string | null;
  readonly body?: unknown;
  readonly headers?: http.OutgoingHttpHeaders;
  readonly socketPath?: string;
  readonly tls?: https.RequestOptions;
}

/** One request on a connection of its own. */
export function ask(
  address: HttpAddress,
  { method = 'GET', path, token = null, body, headers, socketPath, tls }: Ask,
): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const options: https.RequestOptions = {
    method,
    path,
    agent: false,
    ...(socketPath === undefined ? { host: address.host, port: address.port } : { socketPath }),
    headers: {
      ...(token === null ? {} : { authorization: `Bearer ${token}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...tls,
  };
  const request = (tls === undefined ? http : https).request(options, (response) => {
    const chunks: Buffer[] = [];
    response.on('data', (chunk: Buffer) => chunks.push(chunk));
    response.on('error', reject);
    response.on('end', () => {
      const text = Buffer.concat(chunks).toString();
      const isJson = response.headers['content-type']?.startsWith('application/json') === true && text !== '';
      resolve({
        status: response.statusCode ?? 0,
        headers: response.headers,
        text,
        json: isJson ? JSON.parse(text) : undefined,
      });
    });
  });
  request.on('error', reject);
  request.end(body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body));
  return promise;
}
