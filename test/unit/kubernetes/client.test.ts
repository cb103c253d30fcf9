import { pbkdf2 } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { millis } from '../../../src/ha/units.ts';
import type { ApiCall } from '../../../src/kubernetes/api-call.ts';
import { ApiClient } from '../../../src/kubernetes/client.ts';
import { systemClock } from '../../../src/kubernetes/clock.ts';
import { ApiEndpoint } from '../../../src/kubernetes/endpoint.ts';
import { explicitSource } from '../../../src/kubernetes/endpoint-source.ts';
import { ApiForbiddenError, type ApiStatusError } from '../../../src/kubernetes/errors.ts';
import { silentLogger } from '../../../src/kubernetes/log.ts';
import { until } from './fixtures.ts';
import { failure, json, ScriptedServer } from './scripted-server.ts';

const GET: ApiCall = { verb: 'get', resource: 'leases', namespace: 'db', name: 'pg' };
const LONG = millis(5_000);
const SHORT = millis(60);

describe('the API client', () => {
  let server: ScriptedServer;
  let client: ApiClient;
  let observed: string[];

  beforeEach(async () => {
    server = await ScriptedServer.start();
    observed = [];
    client = await server.client({
      maxSockets: 2,
      userAgent: 'pgwarden/test',
      observe: (verb, resource, code, seconds) => {
        expect(seconds).toBeGreaterThanOrEqual(0);
        observed.push(`${verb} ${resource} ${code}`);
      },
    });
  });

  afterEach(async () => {
    client.close();
    await server[Symbol.asyncDispose]();
  });

  it('asks for the object and reads the whole answer', async () => {
    server.handler = (_, response) => json(response, 200, { hello: 'world' });
    const before = systemClock.now();
    const answer = await client.request(GET, LONG);
    expect(answer).toMatchObject({ status: 200, body: { hello: 'world' } });
    expect(answer.sentAt).toBeGreaterThanOrEqual(before);
    expect(answer.sentAt).toBeLessThan(systemClock.now());
    expect(server.requests[0]).toMatchObject({
      method: 'GET',
      path: '/apis/coordination.k8s.io/v1/namespaces/db/leases/pg',
    });
    expect(server.requests[0]?.headers).toMatchObject({ 'user-agent': 'pgwarden/test' });
    expect(server.requests[0]?.headers).not.toHaveProperty('accept-encoding');
    expect(observed).toEqual(['get leases 200']);
  });

  it('keeps its connection between calls, and opens no more than it may', async () => {
    for (let i = 0; i < 5; i += 1) await client.request(GET, LONG);
    expect(server.connections).toBe(1);
    await Promise.all(Array.from({ length: 8 }, () => client.request(GET, LONG)));
    expect(server.connections).toBeLessThanOrEqual(2);
  });

  it('ends at the deadline when no answer comes, and destroys the connection', async () => {
    server.handler = () => undefined;
    await expect(client.request(GET, SHORT)).rejects.toMatchObject({ code: 'API_DEADLINE' });
    await until('the socket is closed', () => server.openSockets === 0);
    expect(observed).toEqual(['get leases deadline']);
  });

  it('ends at the deadline when the answer stops in the middle', async () => {
    server.handler = (_, response) => void response.writeHead(200).write('{"a":');
    await expect(client.request(GET, SHORT)).rejects.toMatchObject({ code: 'API_DEADLINE' });
  });

  it('counts the wait for a free connection into the deadline', async () => {
    server.handler = () => undefined;
    const results = await Promise.allSettled([1, 2, 3].map(() => client.request(GET, SHORT)));
    expect(results.map((result) => result.status)).toEqual(['rejected', 'rejected', 'rejected']);
    expect(server.requests).toHaveLength(2);
  });

  it('ends when the caller aborts, before and during the call', async () => {
    server.handler = () => undefined;
    const controller = new AbortController();
    const call = client.request(GET, LONG, controller.signal);
    await until('the request arrived', () => server.requests.length === 1);
    controller.abort();
    await expect(call).rejects.toMatchObject({ code: 'API_ABORTED' });
    await expect(client.request(GET, LONG, AbortSignal.abort())).rejects.toMatchObject({
      code: 'API_ABORTED',
    });
    expect(server.requests).toHaveLength(1);
  });

  it('tells a cut answer from a whole one', async () => {
    server.handler = (_, response) => {
      response.writeHead(200, { 'content-length': '100' }).write('{}');
      setImmediate(() => response.destroy());
    };
    await expect(client.request(GET, LONG)).rejects.toMatchObject({ code: 'API_UNREACHABLE' });
  });

  it('refuses an answer that is not JSON', async () => {
    server.handler = (_, response) => void response.end('<html>');
    await expect(client.request(GET, LONG)).rejects.toMatchObject({ code: 'API_ANSWER' });
  });

  it('says that nobody listens', async () => {
    const probe = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => probe.once('listening', resolve));
    const { port } = probe.address() as AddressInfo;
    await new Promise((resolve) => probe.close(resolve));
    const source = explicitSource({ server: `http://127.0.0.1:${port}` });
    const lonely = new ApiClient(await ApiEndpoint.open(source, { log: silentLogger }));
    await expect(lonely.request(GET, LONG)).rejects.toMatchObject({ code: 'API_UNREACHABLE' });
  });

  it('reports what the API says, and the rule that is missing', async () => {
    server.handler = (_, response) => failure(response, 403, 'Forbidden');
    const error = await client.request({ ...GET, verb: 'update', body: {} }, LONG).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(ApiForbiddenError);
    expect((error as ApiForbiddenError).remedy).toContain(
      '{apiGroups: ["coordination.k8s.io"], resources: ["leases"], verbs: ["update"]}',
    );
    expect(observed).toEqual(['update leases 403']);
  });

  it('shows what a proxy said that is no Kubernetes answer', async () => {
    server.handler = (_, response) => void response.writeHead(503).end('upstream is away');
    const error = await client.request(GET, LONG).catch((e: unknown) => e);
    expect((error as ApiStatusError).status).toBe(503);
    expect((error as ApiStatusError).message).toContain('upstream is away');
  });

  it('streams lines as they come, cut anywhere', async () => {
    const lines: string[] = [];
    server.handler = (_, response) => {
      response.writeHead(200);
      response.write('{"type":"A');
      setImmediate(() => {
        response.write('DDED"}\n{"type":"B"}\n\n{"ty');
        setImmediate(() => response.end('pe":"ü"}\n'));
      });
    };
    const bounds = { openWithin: LONG, silence: LONG, signal: new AbortController().signal };
    await client.stream(
      { ...GET, verb: 'watch' },
      bounds,
      () => lines.push('open'),
      (line) => lines.push(line),
    );
    expect(lines).toEqual(['open', '{"type":"ADDED"}', '{"type":"B"}', '{"type":"ü"}']);
  });

  it('gives up a stream that is silent for too long', async () => {
    server.handler = (_, response) => void response.writeHead(200).flushHeaders();
    const bounds = { openWithin: LONG, silence: SHORT, signal: new AbortController().signal };
    const stream = client.stream(
      { ...GET, verb: 'watch' },
      bounds,
      () => undefined,
      () => undefined,
    );
    await expect(stream).rejects.toMatchObject({ code: 'API_DEADLINE' });
  });

  it('passes on what the reader of a stream throws, and breaks the connection', async () => {
    server.handler = (_, response) => void response.writeHead(200).write('a\n');
    const bounds = { openWithin: LONG, silence: LONG, signal: new AbortController().signal };
    const stream = client.stream(
      { ...GET, verb: 'watch' },
      bounds,
      () => undefined,
      () => {
        throw new RangeError('enough');
      },
    );
    await expect(stream).rejects.toThrow(new RangeError('enough'));
    await until('the socket is closed', () => server.openSockets === 0);
  });

  it('needs no thread of the pool for a call, be the host an address or a name', async () => {
    const named = await ApiEndpoint.open(explicitSource({ server: `http://localhost:${server.port}` }), {
      log: silentLogger,
    });
    const byName = new ApiClient(named);
    // Twice as many as there are threads: whoever needs one now waits for seconds.
    const busy = Array.from(
      { length: 8 },
      () => new Promise((resolve) => pbkdf2('a', 'b', 600_000, 64, 'sha512', resolve)),
    );
    const first = await Promise.race([
      Promise.race(busy).then(() => 'a thread was free first'),
      Promise.all([byName.request(GET, LONG), client.request(GET, LONG)]).then(() => 'both were answered'),
    ]);
    expect(first).toBe('both were answered');
    byName.close();
    await Promise.all(busy);
  }, 60_000);
});
