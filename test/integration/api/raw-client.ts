import {
  type ClientRequest,
  type IncomingHttpHeaders,
  type IncomingMessage,
  request as requestHttp,
} from 'node:http';
import { request as requestHttps } from 'node:https';
import type { ClientConfiguration } from '../../kube/client-configuration.ts';

export interface Answer {
  readonly code: number;
  readonly headers: IncomingHttpHeaders;
  /** As it came. */
  readonly text: string;
  /** Parsed; undefined where it is not JSON. */
  readonly body: Json;
}

// Tests look into answers of any shape.
// biome-ignore lint/suspicious/noExplicitAny: an answer is whatever the server says.
export type Json = any;

export interface Call {
  readonly body?: unknown;
  /** Of the body; `application/json` by default. */
  readonly type?: string;
  readonly headers?: Record<string, string>;
}

/** Plain HTTP, to see what is really on the wire. */
export class RawClient {
  readonly #configuration: ClientConfiguration;

  constructor(configuration: ClientConfiguration) {
    this.#configuration = configuration;
  }

  async call(
    method: string,
    path: string,
    { body, type = 'application/json', headers = {} }: Call = {},
  ): Promise<Answer> {
    const content = body === undefined || typeof body === 'string' ? body : JSON.stringify(body);
    // The length must be told: Node frames no body of a DELETE by itself.
    const sent =
      content === undefined
        ? headers
        : { 'content-type': type, 'content-length': String(Buffer.byteLength(content)), ...headers };
    const response = await this.#send(method, path, sent, content);
    let text = '';
    for await (const chunk of response.setEncoding('utf8')) text += chunk;
    return { code: response.statusCode ?? 0, headers: response.headers, text, body: parse(text) };
  }

  /**
   * Opens a watch. Its events come one by one until the server ends the stream, or the signal.
   * @throws when the answer is not a stream
   */
  async *watch(path: string, signal?: AbortSignal): AsyncGenerator<Json> {
    const response = await this.#send('GET', path, {}, undefined, signal);
    if (response.statusCode !== 200) throw new Error(`watch ${path}: ${response.statusCode}`);
    let rest = '';
    for await (const chunk of response.setEncoding('utf8')) {
      const lines = (rest + chunk).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) yield JSON.parse(line);
    }
  }

  #send(
    method: string,
    path: string,
    headers: Record<string, string>,
    content: string | undefined,
    signal?: AbortSignal,
  ): Promise<IncomingMessage> {
    const { server, ca, token, ...own } = this.#configuration;
    // Who sends another authorization is somebody else: without our certificate.
    const { cert, key } = headers.authorization === undefined ? own : { cert: null, key: null };
    const url = new URL(path, server);
    const all = { ...(token === null ? {} : { authorization: `Bearer ${token}` }), ...headers };
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
    const options = { method, headers: all, ...(signal === undefined ? {} : { signal }) };
    const call: ClientRequest =
      url.protocol === 'https:'
        ? requestHttps(
            url,
            { ...options, ca: ca ?? undefined, cert: cert ?? undefined, key: key ?? undefined },
            resolve,
          )
        : requestHttp(url, options, resolve);
    call.once('error', reject).end(content);
    return promise;
  }
}

function parse(text: string): Json {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
