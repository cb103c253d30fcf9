import { connect, type Socket } from 'node:net';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { describe, expect, it, vi } from 'vitest';
import { millis } from '../../../src/ha/units.ts';
import type { HttpAddress } from '../../../src/http/server.ts';
import { ask, type RunningServer, runServer, TOKEN } from './running-server.ts';

const SHORT = {
  headersTimeout: millis(300),
  requestTimeout: millis(600),
  keepAliveTimeout: millis(300),
  idleTimeout: millis(1000),
};
/** Timeouts are checked once a second. */
const BOUND = 5000;

/** A connection that says what it is told, and what became of it. */
class Raw implements Disposable {
  readonly socket: Socket;
  received = '';
  readonly closed: Promise<void>;
  readonly connected: Promise<void>;

  constructor({ host, port }: HttpAddress) {
    this.socket = connect({ host, port });
    this.socket.on('data', (chunk: Buffer) => {
      this.received += chunk.toString('latin1');
    });
    this.socket.on('error', () => undefined);
    this.connected = new Promise((resolve) => this.socket.once('connect', resolve));
    this.closed = new Promise((resolve) => this.socket.once('close', () => resolve()));
  }

  [Symbol.dispose](): void {
    this.socket.destroy();
  }
}

async function closedWithin(raw: Raw, bound: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => resolve(false), bound);
  void raw.closed.then(() => resolve(true));
  return promise.finally(() => clearTimeout(timer));
}

async function dropped(server: RunningServer, reason: string): Promise<number> {
  const { text } = await ask(server.address, { path: '/metrics' });
  return Number(
    new RegExp(`pgwarden_http_dropped_total\\{reason="${reason}"\\} (\\d+)`).exec(text)?.[1] ?? 0,
  );
}

describe('a slow client', () => {
  it('that never sends a byte is cut', async () => {
    await using server = await runServer({ limits: SHORT });
    using raw = new Raw(server.address);
    expect(await closedWithin(raw, BOUND)).toBe(true);
    await vi.waitFor(async () => expect(await dropped(server, 'slow')).toBeGreaterThan(0), BOUND);
  });

  it('that sends its headers byte by byte is cut, however busy it looks', async () => {
    await using server = await runServer({ limits: SHORT });
    using raw = new Raw(server.address);
    const timer = setInterval(() => raw.socket.write('x'), 50);
    raw.socket.write('GET /livez HTTP/1.1\r\nhost: a\r\nx-slow: ');
    expect(await closedWithin(raw, BOUND)).toBe(true);
    clearInterval(timer);
    expect(raw.received).toContain('408 Request Timeout');
  });

  it('that sends its body byte by byte is cut', async () => {
    await using server = await runServer({ limits: SHORT });
    using raw = new Raw(server.address);
    raw.socket.write(
      `POST /v1/failover HTTP/1.1\r\nhost: a\r\nauthorization: Bearer ${TOKEN}\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n{`,
    );
    const timer = setInterval(() => raw.socket.write(' '), 50);
    expect(await closedWithin(raw, BOUND)).toBe(true);
    clearInterval(timer);
    expect(server.agent.calls).toEqual([]);
  });

  it('that keeps a connection without using it is cut', async () => {
    await using server = await runServer({ limits: SHORT });
    using raw = new Raw(server.address);
    raw.socket.write('GET /livez HTTP/1.1\r\nhost: a\r\n\r\n');
    expect(await closedWithin(raw, BOUND)).toBe(true);
    expect(raw.received).toContain('HTTP/1.1 200 OK');
  });
});

describe('a hostile client', () => {
  it('with huge headers gets 431 and is cut', async () => {
    await using server = await runServer();
    using raw = new Raw(server.address);
    raw.socket.write(`GET /livez HTTP/1.1\r\nhost: a\r\nx: ${'y'.repeat(9000)}\r\n\r\n`);
    expect(await closedWithin(raw, BOUND)).toBe(true);
    expect(raw.received).toContain('431 Request Header Fields Too Large');
  });

  it('that speaks something else gets 400 and is cut', async () => {
    await using server = await runServer();
    for (const text of [
      '\x16\x03\x01\x02\x00\x01\x00',
      'GET / HTTP/9.9\r\n\r\n',
      'GET /livez HTTP/1.1\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\nhost: a\r\n\r\n0\r\n\r\n',
      'GET /livez HTTP/1.1\r\nhost: a\r\nbad header\r\n\r\n',
    ]) {
      using raw = new Raw(server.address);
      raw.socket.write(text, 'latin1');
      expect(await closedWithin(raw, BOUND), JSON.stringify(text)).toBe(true);
      expect(raw.received).toContain('400 Bad Request');
    }
  });

  it('that pipelines is cut after one answer at most, without the rest being worked on', async () => {
    await using server = await runServer();
    using raw = new Raw(server.address);
    const request = `PUT /v1/paused HTTP/1.1\r\nhost: a\r\nauthorization: Bearer ${TOKEN}\r\n\r\n`;
    await raw.connected;
    raw.socket.write(request.repeat(500));
    expect(await closedWithin(raw, BOUND)).toBe(true);
    expect(server.agent.calls.length).toBeLessThanOrEqual(1);
    expect(await dropped(server, 'pipelining')).toBe(1);
  });

  it('with an endless body is cut at 16 KiB, before and after the token', async () => {
    await using server = await runServer();
    for (const authorization of [`Bearer ${TOKEN}`, 'Bearer wrong']) {
      using raw = new Raw(server.address);
      raw.socket.write(
        `POST /v1/failover HTTP/1.1\r\nhost: a\r\nauthorization: ${authorization}\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n`,
      );
      const chunk = `1000\r\n${' '.repeat(4096)}\r\n`;
      const timer = setInterval(() => raw.socket.writable && raw.socket.write(chunk), 5);
      expect(await closedWithin(raw, BOUND), authorization).toBe(true);
      clearInterval(timer);
      expect(raw.received).toMatch(/HTTP\/1.1 (413|401) /);
    }
  });

  it('with many connections is held to its share, and others still get in', async () => {
    await using server = await runServer({ limits: { connectionsPerAddress: 20, connections: 40 } });
    const raws = Array.from({ length: 60 }, () => new Raw(server.address));
    await Promise.all(raws.map(({ connected, closed }) => Promise.race([connected, closed])));
    await vi.waitFor(() => expect(raws.filter(({ socket }) => socket.destroyed)).toHaveLength(40), BOUND);
    const { socketPath } = server;
    expect(await ask(server.address, { path: '/livez', socketPath })).toMatchObject({ status: 200 });
    for (const raw of raws) raw.socket.destroy();
    await vi.waitFor(
      async () => expect(await ask(server.address, { path: '/livez' })).toMatchObject({ status: 200 }),
      BOUND,
    );
    expect(await dropped(server, 'limit')).toBeGreaterThanOrEqual(40);
  });

  it('cannot hold up the loop with all of this at once', async () => {
    await using server = await runServer({ limits: SHORT });
    const delay = monitorEventLoopDelay({ resolution: 5 });
    delay.enable();
    const packet = 'GET /patroni HTTP/1.1\r\nhost: a\r\n\r\n'.repeat(400);
    const raws: Raw[] = [];
    for (let wave = 0; wave < 10; wave++) {
      for (let each = 0; each < 10; each++) {
        const raw = new Raw(server.address);
        raws.push(raw);
        raw.socket.write(each % 2 === 0 ? packet : 'GET / HTTP/1.1\r\nx: ');
      }
      expect((await ask(server.address, { path: '/livez', socketPath: server.socketPath })).status).toBe(200);
    }
    await Promise.all(raws.map((raw) => closedWithin(raw, BOUND)));
    delay.disable();
    // The clients run on this loop too, and the machine may be busy: the bound is far below any timeout of the agent.
    expect(delay.max / 1e6).toBeLessThan(500);
  });
});
