import { spawn } from 'node:child_process';
import type { AddressInfo } from 'node:net';
import { createServer, type Server, type Socket } from 'node:net';
import { describe, expect, it, vi } from 'vitest';
import type { HoldRequest, LeadRequest, PromiseRequest } from '../../../src/ha/peer.ts';
import { epoch, millis } from '../../../src/ha/units.ts';
import { PeerClient, type PeerClientOptions } from '../../../src/http/peer-client.ts';
import { GRANTED, PEER_STATE, PG0, PG1 } from '../../unit/http/scripted-agent.ts';
import { runServer, TOKEN } from './running-server.ts';

const SECOND = millis(1000);
const PROMISE: PromiseRequest = {
  clusterUID: 'x',
  candidate: PG0,
  epoch: epoch(8),
  recordEpoch: epoch(7),
  recordRevision: 4,
};
const LEAD: LeadRequest = { candidate: PG0, epoch: epoch(8) };
const HOLD: HoldRequest = { primary: PG0, epoch: epoch(8), duration: SECOND };

function client(port: number, options: Partial<PeerClientOptions> = {}): PeerClient & Disposable {
  const peer = new PeerClient({ host: '127.0.0.1', port, token: () => TOKEN, tls: () => null, ...options });
  return Object.assign(peer, { [Symbol.dispose]: () => peer.close() });
}

/** A TCP server that does with each connection what the test says. */
async function runRaw(onConnection: (socket: Socket) => void): Promise<{ port: number } & AsyncDisposable> {
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    onConnection(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

describe('a call to a peer', () => {
  it('is answered, four ways, over one connection', async () => {
    await using server = await runServer();
    using peer = client(server.address.port);
    expect(await peer.state(SECOND)).toEqual({ outcome: 'answered', value: PEER_STATE });
    expect(await peer.promise(PROMISE, SECOND)).toEqual({ outcome: 'answered', value: GRANTED });
    expect(await peer.lead(LEAD, SECOND)).toEqual({ outcome: 'answered', value: null });
    expect(await peer.hold(HOLD, SECOND)).toEqual({
      outcome: 'answered',
      value: { granted: true, identity: PG1 },
    });
    expect(server.agent.calls).toEqual([
      ['promise', PROMISE],
      ['lead', LEAD],
      ['hold', HOLD],
    ]);
    expect(
      (await server.agent.registry.getSingleMetric('pgwarden_http_connections')?.get())?.values[0]?.value,
    ).toBe(1);
  });

  it('is refused when nobody listens', async () => {
    const gone = await runRaw(() => undefined);
    await gone[Symbol.asyncDispose]();
    using peer = client(gone.port);
    expect(await peer.state(SECOND)).toEqual({ outcome: 'refused' });
  });

  it('is a fault when the peer answers with an error, or nonsense', async () => {
    await using server = await runServer();
    using stranger = client(server.address.port, { token: () => 'wrong' });
    expect(await stranger.state(SECOND)).toMatchObject({
      outcome: 'fault',
      error: { code: 'PEER_STATUS', status: 401 },
    });
    using peer = client(server.address.port);
    server.agent.state = { ...PEER_STATE, promise: epoch(-1) };
    expect(await peer.state(SECOND)).toMatchObject({ outcome: 'fault', error: { code: 'PEER_ANSWER' } });
    await using other = await runRaw((socket) => void socket.end('SSH-2.0-OpenSSH\r\n'));
    using ssh = client(other.port);
    expect((await ssh.state(SECOND)).outcome).toBe('fault');
    await using html = await runRaw((socket) => {
      socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\n<html>'));
    });
    using web = client(html.port);
    expect(await web.state(SECOND)).toMatchObject({ outcome: 'fault', error: { code: 'PEER_ANSWER' } });
  });

  it('is a fault when the answer does not end', async () => {
    await using endless = await runRaw((socket) => {
      socket.once('data', () => {
        socket.write('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n');
        const chunk = `10000\r\n${'x'.repeat(65_536)}\r\n`;
        for (let count = 0; count < 10; count++) socket.write(chunk);
      });
    });
    using peer = client(endless.port);
    expect((await peer.state(millis(5000))).outcome).toBe('fault');
  });

  it('is silent at its deadline, whether the peer is frozen before or after it accepts', async () => {
    await using frozen = await runRaw(() => undefined);
    using peer = client(frozen.port);
    const startedAt = performance.now();
    expect(await peer.state(millis(100))).toMatchObject({
      outcome: 'silent',
      error: { code: 'PEER_TIMEOUT' },
    });
    expect(performance.now() - startedAt).toBeLessThan(1000);
    await using half = await runRaw((socket) => {
      socket.once('data', () => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n{"a'));
    });
    using cut = client(half.port);
    expect(await cut.state(millis(100))).toMatchObject({
      outcome: 'silent',
      error: { code: 'PEER_TIMEOUT' },
    });
  });

  it('is silent when it is given up, or closed', async () => {
    await using frozen = await runRaw(() => undefined);
    using peer = client(frozen.port);
    const controller = new AbortController();
    const given = peer.state(millis(5000), controller.signal);
    controller.abort();
    expect((await given).outcome).toBe('silent');
    expect((await peer.state(SECOND, AbortSignal.abort())).outcome).toBe('silent');
    const open = peer.state(millis(5000));
    peer.close();
    expect((await open).outcome).toBe('silent');
    expect((await peer.state(SECOND)).outcome).toBe('silent');
  });

  it('is not taken for refused when a connection is accepted and reset: the peer may be at its limit', async () => {
    await using full = await runRaw((socket) => socket.resetAndDestroy());
    using peer = client(full.port);
    expect((await peer.state(SECOND)).outcome).toBe('silent');
  });

  it('is a fault when it cannot be begun', async () => {
    await using server = await runServer();
    using token = client(server.address.port, { token: () => 'two\nlines' });
    expect(await token.state(SECOND)).toMatchObject({ outcome: 'fault', error: { code: 'PEER_REQUEST' } });
    using tls = client(server.address.port, { tls: () => ({ ca: 'x', cert: 'no PEM', key: 'no PEM' }) });
    expect((await tls.state(SECOND)).outcome).toBe('fault');
  });

  it('is made again on a new connection when the kept one had been closed', async () => {
    let connections = 0;
    await using server = await runRaw((socket) => {
      const first = ++connections === 1;
      socket.on('data', () => {
        const body = JSON.stringify(PEER_STATE);
        socket.write(
          `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
        );
        // The second request on the first connection is not answered but cut.
        if (first) socket.removeAllListeners('data').once('data', () => socket.resetAndDestroy());
      });
    });
    using peer = client(server.port);
    expect((await peer.state(SECOND)).outcome).toBe('answered');
    expect((await peer.state(SECOND)).outcome).toBe('answered');
    expect(connections).toBe(2);
  });

  it('aborts the promise at the peer when the candidate gives up', async () => {
    await using server = await runServer();
    const asked = Promise.withResolvers<AbortSignal>();
    server.agent.onPromise = (_request, signal) => {
      asked.resolve(signal);
      return new Promise(() => undefined);
    };
    using peer = client(server.address.port);
    const controller = new AbortController();
    const given = peer.promise(PROMISE, millis(5000), controller.signal);
    const signal = await asked.promise;
    expect(signal.aborted).toBe(false);
    controller.abort();
    expect((await given).outcome).toBe('silent');
    await vi.waitFor(() => expect(signal.aborted).toBe(true));
  });
});

describe('a peer that ends', () => {
  it('is noticed at once by an idle connection, and refuses afterwards', async () => {
    const onClosed = vi.fn();
    const child = spawn(process.execPath, ['-e', ANSWERING, JSON.stringify(PEER_STATE)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const port = Number(await new Promise<Buffer>((resolve) => child.stdout.once('data', resolve)));
    using peer = client(port, { onClosed });
    expect((await peer.state(SECOND)).outcome).toBe('answered');
    expect(onClosed).not.toHaveBeenCalled();
    const killedAt = performance.now();
    child.kill('SIGKILL');
    await vi.waitFor(() => expect(onClosed).toHaveBeenCalledTimes(1), { timeout: 2000, interval: 1 });
    expect(performance.now() - killedAt).toBeLessThan(1000);
    // The port of a killed process may take connections for a moment longer, and reset them.
    await vi.waitFor(async () => expect(await peer.state(SECOND)).toEqual({ outcome: 'refused' }));
  });

  it('is not reported when this side closes, or the call ran into its deadline', async () => {
    const onClosed = vi.fn();
    await using server = await runServer();
    await using frozen = await runRaw(() => undefined);
    {
      using peer = client(server.address.port, { onClosed });
      using late = client(frozen.port, { onClosed });
      expect((await peer.state(SECOND)).outcome).toBe('answered');
      expect((await late.state(millis(50))).outcome).toBe('silent');
    }
    await vi.waitFor(async () =>
      expect(
        (await server.agent.registry.getSingleMetric('pgwarden_http_connections')?.get())?.values[0]?.value,
      ).toBe(0),
    );
    expect(onClosed).not.toHaveBeenCalled();
  });
});

/** A process that answers every request with its argument. */
const ANSWERING = `
const server = require('node:http').createServer((request, response) => {
  response.setHeader('content-type', 'application/json');
  response.end(process.argv[1]);
}).listen(0, '127.0.0.1', () => console.log(server.address().port));
`;
