import http from 'node:http';
import https from 'node:https';
import type { Endpoint } from './endpoint.ts';
import { BadAnswerError } from './errors.ts';

export interface Answer {
  readonly status: number;
  readonly body: unknown;
}

export interface Call {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly path: string;
  readonly body?: unknown;
}

/** Far above any answer of an agent; an endless one must not fill the memory. */
const ANSWER_MAX_BYTES = 16 * 1024 * 1024;

/**
 * One call to one agent. Rejects with the network's error where there was no answer within `timeout`
 * (milliseconds), and with BadAnswerError where the answer is not an agent's.
 */
export function request(
  endpoint: Endpoint,
  call: Call,
  timeout: number,
  signal?: AbortSignal,
): Promise<Answer> {
  const deadline = AbortSignal.timeout(timeout);
  const payload = call.body === undefined ? null : JSON.stringify(call.body);
  const headers: Record<string, string> = { accept: 'application/json' };
  if (payload !== null) {
    headers['content-type'] = 'application/json';
    headers['content-length'] = String(Buffer.byteLength(payload));
  }
  const options: https.RequestOptions = {
    method: call.method,
    path: call.path,
    headers,
    signal: signal === undefined ? deadline : AbortSignal.any([deadline, signal]),
    // A call at a time: a kept connection would keep the process.
    agent: false,
  };
  let module: typeof http | typeof https = http;
  if (endpoint.kind === 'socket') {
    options.socketPath = endpoint.path;
  } else {
    const { url } = endpoint;
    if (url.protocol === 'https:') module = https;
    options.host = url.hostname.replace(/^\[(.*)\]$/, '$1');
    options.port = url.port === '' ? (url.protocol === 'https:' ? 443 : 80) : url.port;
    options.path = url.pathname.replace(/\/$/, '') + call.path;
    if (endpoint.token !== null) headers.authorization = `Bearer ${endpoint.token}`;
    if (endpoint.ca !== null) options.ca = endpoint.ca;
  }
  return new Promise((resolve, reject) => {
    const fail = (error: Error): void => {
      reject(deadline.aborted ? new Error(`no answer within ${timeout} ms`, { cause: error }) : error);
    };
    const outgoing = module.request(options, (incoming) => {
      const chunks: Buffer[] = [];
      let size = 0;
      incoming.on('error', fail);
      incoming.on('data', (chunk: Buffer) => {
        size += chunk.length;
        if (size > ANSWER_MAX_BYTES) outgoing.destroy(new BadAnswerError(endpoint, 'the answer has no end'));
        else chunks.push(chunk);
      });
      incoming.on('end', () => {
        const text = Buffer.concat(chunks).toString('utf8');
        try {
          resolve({ status: incoming.statusCode ?? 0, body: text === '' ? null : JSON.parse(text) });
        } catch (error) {
          reject(new BadAnswerError(endpoint, `status ${incoming.statusCode}, not JSON`, error));
        }
      });
    });
    outgoing.on('error', fail);
    outgoing.end(payload ?? undefined);
  });
}
