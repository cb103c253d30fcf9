import { once } from 'node:events';
import { createServer, type IncomingMessage, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ApiGate } from '../../faults/stage/api-gate.ts';
import { Random } from '../../simulation/engine/random.ts';

describe('the gate before the API', () => {
  const reached: string[] = [];
  const server = createServer((incoming, response) => {
    reached.push(`${incoming.method} ${incoming.url}`);
    incoming.resume();
    if (incoming.url?.includes('watch=') === true) response.write('{"type":"ADDED"}\n');
    else response.end('{"ok":true}');
  });
  let gate: ApiGate;

  beforeEach(async () => {
    reached.length = 0;
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    gate = await ApiGate.open('127.0.0.1', { host: '127.0.0.1', port }, new Random(1, 'gate'));
  });
  afterEach(async () => {
    await gate[Symbol.asyncDispose]();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  /** Each call on a connection of its own: a kept one that the gate has ended may be taken before that is noticed. */
  const call = (method = 'GET', path = '/x'): Promise<IncomingMessage> =>
    new Promise((resolve, reject) => {
      const options = { method, agent: false, signal: AbortSignal.timeout(300) };
      request(`${gate.url}${path}`, options, resolve)
        .on('error', reject)
        .end(method === 'PUT' ? '{}' : undefined);
    });
  const bodyOf = async (answer: IncomingMessage): Promise<unknown> => {
    const chunks: Buffer[] = [];
    for await (const chunk of answer) chunks.push(chunk as Buffer);
    return JSON.parse(Buffer.concat(chunks).toString());
  };

  test('passes requests on, and what they are answered', async () => {
    expect(await bodyOf(await call('PUT'))).toEqual({ ok: true });
    expect(reached).toEqual(['PUT /x']);
  });

  test('refuses connections while it is down, and listens at the same place after that', async () => {
    await gate.become({ kind: 'down' });
    await expect(call()).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    await gate.become({ kind: 'pass' });
    expect((await call()).statusCode).toBe(200);
  });

  test('gives no answer while it is silent', async () => {
    await gate.become({ kind: 'silent' });
    await expect(call()).rejects.toMatchObject({ cause: { name: 'TimeoutError' } });
    expect(reached).toEqual([]);
  });

  test('lets every request wait while it is slow', async () => {
    await gate.become({ kind: 'slow', millis: 100 });
    const began = performance.now();
    expect((await call()).statusCode).toBe(200);
    expect(performance.now() - began).toBeGreaterThan(95);
  });

  test('answers with the statuses of a storm itself', async () => {
    await gate.become({ kind: 'storm', statuses: [429], share: 1 });
    const answer = await call('PUT');
    expect(answer.statusCode).toBe(429);
    expect(await bodyOf(answer)).toMatchObject({ kind: 'Status', reason: 'TooManyRequests', code: 429 });
    expect(reached).toEqual([]);
  });

  test('loses the reply of a write that took effect, and of no read', async () => {
    await gate.become({ kind: 'lose-replies', share: 1 });
    await expect(call('PUT')).rejects.toMatchObject({ code: 'ECONNRESET' });
    expect(reached).toEqual(['PUT /x']);
    expect((await call()).statusCode).toBe(200);
  });

  test('keeps watches open that tell nothing', async () => {
    await gate.become({ kind: 'stall-watches' });
    const watch = await call('GET', '/x?watch=1');
    expect(watch.statusCode).toBe(200);
    const told = once(watch, 'data').then(() => 'told');
    told.catch(() => {});
    expect(await Promise.race([told, sleep(150, 'nothing')])).toBe('nothing');
    expect((await call()).statusCode).toBe(200);
    await gate.become({ kind: 'pass' });
    const next = await call('GET', '/x?watch=1');
    expect(String((await once(next, 'data'))[0])).toContain('ADDED');
    next.destroy();
  });
});
