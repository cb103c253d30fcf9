import { chmod, mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { millis } from '../../../src/ha/units.ts';
import { HttpServer } from '../../../src/http/server.ts';
import {
  CLUSTER,
  GRANTED,
  PEER_STATE,
  PG0,
  PRIMARY,
  ScriptedAgent,
  STANDBY,
} from '../../unit/http/scripted-agent.ts';
import { type Ask, ask, type RunningServer, runServer, TOKEN } from './running-server.ts';

let server: RunningServer;
const get = (path: string) => ask(server.address, { path });
const change = (request: Ask) => ask(server.address, { method: 'POST', token: TOKEN, ...request });

beforeAll(async () => {
  server = await runServer();
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
});

describe('reading', () => {
  it('answers the three probes with a sentence', async () => {
    expect(await get('/startupz')).toMatchObject({ status: 200, text: 'startup: fine\n' });
    server.agent.probes.ready = false;
    expect(await get('/readyz')).toMatchObject({ status: 503, text: 'ready: not yet\n' });
    server.agent.probes.ready = true;
    expect(await ask(server.address, { method: 'HEAD', path: '/livez' })).toMatchObject({
      status: 200,
      text: '',
    });
  });

  it("answers Patroni's checks by GET with a body, by HEAD and OPTIONS with a status only", async () => {
    for (const [status, path, code] of [
      [PRIMARY, '/', 200],
      [PRIMARY, '/primary?lag=1', 200],
      [PRIMARY, '/replica', 503],
      [STANDBY, '/replica?lag=10MB', 200],
      [STANDBY, '/replica?lag=1', 503],
      [STANDBY, '/quorum', 200],
      [STANDBY, '/read-only-quorum', 200],
      [STANDBY, '/master', 503],
      [STANDBY, '/health', 200],
      [STANDBY, '/standby-leader', 503],
      [STANDBY, '/replica?tag_zone=a', 503],
    ] as const) {
      server.agent.current = status;
      const body = await get(path);
      expect(body.status, path).toBe(code);
      expect(body.json.patroni).toEqual({ version: '0.1.0', scope: 'demo', name: status.member });
      for (const method of ['HEAD', 'OPTIONS']) {
        const bare = await ask(server.address, { method, path });
        expect([bare.status, bare.text], `${method} ${path}`).toEqual([code, '']);
      }
    }
    server.agent.current = PRIMARY;
  });

  it("answers Patroni's other paths", async () => {
    expect((await get('/patroni')).json).toMatchObject({ state: 'running', role: 'primary' });
    expect((await get('/cluster')).json).toMatchObject({
      scope: 'demo',
      members: [{ name: 'pg-0' }, { name: 'pg-1' }],
    });
    expect((await get('/history')).json).toHaveLength(2);
    expect(await get('/liveness')).toMatchObject({ status: 200, text: '' });
    expect(await get('/readiness')).toMatchObject({ status: 200, text: '' });
  });

  it('answers /v1 with what the ports say', async () => {
    expect((await get('/v1/status')).json).toEqual(PRIMARY);
    expect((await get('/v1/cluster')).json).toEqual(CLUSTER);
    expect((await get('/v1/history')).json).toHaveLength(4);
    expect((await get('/v1/configuration')).json).toEqual({ cluster: 'demo', password: '***' });
    const document = (await get('/openapi.json')).json;
    expect(document.openapi).toBe('3.1.0');
    expect(document.paths).toHaveProperty('/openapi.json');
  });

  it('renders metrics, its own requests included', async () => {
    const { status, headers, text } = await get('/metrics');
    expect(status).toBe(200);
    expect(headers['content-type']).toContain('text/plain; version=0.0.4');
    expect(text).toContain('pgwarden_role{role="primary"} 1');
    expect(text).toMatch(
      /pgwarden_http_request_duration_seconds_count\{method="GET",route="\/v1\/status",code="200"\} \d/,
    );
  });
});

describe('changing', () => {
  it.each([
    [
      'POST',
      '/v1/switchover',
      { target: 'pg-1', at: '2026-05-02T00:00:00Z' },
      'switchover',
      { target: 'pg-1', at: '2026-05-02T00:00:00Z' },
    ],
    ['POST', '/v1/switchover', undefined, 'switchover', { target: null, at: null }],
    ['DELETE', '/v1/switchover', undefined, 'cancelSwitchover'],
    [
      'POST',
      '/v1/failover',
      { target: 'pg-1', acceptDataLoss: true },
      'failover',
      { target: 'pg-1', acceptDataLoss: true },
    ],
    ['POST', '/v1/failover', { target: 'pg-1' }, 'failover', { target: 'pg-1', acceptDataLoss: false }],
    ['PUT', '/v1/fenced/pg-1', undefined, 'fence', 'pg-1'],
    ['PUT', '/v1/fenced/*', undefined, 'fence', '*'],
    ['DELETE', '/v1/fenced/%2A', undefined, 'unfence', '*'],
    ['PUT', '/v1/paused', undefined, 'pause'],
    ['DELETE', '/v1/paused', undefined, 'resume'],
    [
      'POST',
      '/v1/members/pg-1/restart',
      { onlyPending: true },
      'restart',
      { member: 'pg-1', onlyPending: true },
    ],
    ['POST', '/v1/members/pg-1/restart', undefined, 'restart', { member: 'pg-1', onlyPending: false }],
    ['POST', '/v1/members/pg-1/reload', undefined, 'reload', { member: 'pg-1' }],
    ['POST', '/v1/members/pg-1/reinitialize', undefined, 'reinitialize', { member: 'pg-1' }],
  ])('%s %s %j asks for it', async (method, path, body, ...call) => {
    server.agent.calls.length = 0;
    expect(await change({ method, path, body })).toMatchObject({
      status: 202,
      json: { message: 'recorded' },
    });
    expect(server.agent.calls).toEqual([call]);
  });

  it.each([400, 404, 409, 412, 503] as const)('answers a refusal with its status %i', async (status) => {
    const refusal = { code: 'why', message: 'because', remedy: 'do this' };
    server.agent.result = { accepted: false, status, refusal };
    expect(await change({ path: '/v1/switchover' })).toMatchObject({ status, json: { error: refusal } });
    server.agent.result = { accepted: true, message: 'recorded' };
  });

  it.each([
    ['/v1/failover', {}, 'target'],
    ['/v1/failover', { target: 'pg-1', acceptDataLoss: 'yes' }, 'acceptDataLoss'],
    ['/v1/failover', { target: 'pg-1', accept_data_loss: true }, 'accept_data_loss'],
    ['/v1/failover', { target: '../pg' }, 'target'],
    ['/v1/failover', { target: 'a'.repeat(60) }, 'target'],
    ['/v1/failover', [], 'object'],
    ['/v1/switchover', { at: 'tomorrow' }, 'at'],
    ['/v1/members/PG/restart', {}, 'member'],
    [
      '/peer/v1/promise',
      { clusterUID: 'x', candidate: 'pg-1', epoch: 8, recordEpoch: 7, recordRevision: 4 },
      'candidate',
    ],
    [
      '/peer/v1/promise',
      { clusterUID: 'x', candidate: PG0, epoch: '8', recordEpoch: 7, recordRevision: 4 },
      'epoch',
    ],
    [
      '/peer/v1/promise',
      { clusterUID: 'x', candidate: PG0, epoch: -8, recordEpoch: 7, recordRevision: 4 },
      'epoch',
    ],
    ['/peer/v1/hold', { primary: PG0, epoch: 8, duration: -1 }, 'duration'],
  ])('refuses %s %j, naming the field', async (path, body, field) => {
    server.agent.calls.length = 0;
    const answer = await change({ path, body });
    expect(answer).toMatchObject({ status: 422, json: { error: { code: 'invalid_request' } } });
    expect(answer.json.error.message).toContain(field);
    expect(answer.json.error.remedy).not.toBe('');
    expect(server.agent.calls).toEqual([]);
  });

  it('refuses what is not JSON, too large, or sent to the wrong place', async () => {
    const json = { 'content-type': 'application/json' };
    const path = '/v1/failover';
    expect(await change({ path, body: '{', headers: json })).toMatchObject({
      status: 400,
      json: { error: { code: 'invalid_json' } },
    });
    expect(await change({ path, body: '', headers: json })).toMatchObject({ status: 400 });
    expect(await change({ path, body: '{"__proto__":{}}' })).toMatchObject({ status: 400 });
    expect(
      await change({
        path,
        body: 'target=pg-1',
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
      }),
    ).toMatchObject({ status: 415, json: { error: { code: 'media_type' } } });
    expect(await change({ path, body: 'x', headers: { 'content-type': 'text/plain' } })).toMatchObject({
      status: 415,
    });
    expect(await change({ path, body: { target: 'x'.repeat(17_000) } })).toMatchObject({
      status: 413,
      json: { error: { code: 'body_too_large' } },
    });
    expect(await get('/v2/status')).toMatchObject({ status: 404, json: { error: { code: 'not_found' } } });
    expect(await get('/v1/switchover')).toMatchObject({
      status: 405,
      headers: { allow: 'POST, DELETE' },
      json: { error: { code: 'method_not_allowed' } },
    });
    expect(await change({ method: 'DELETE', path: '/v1/fenced/x/y' })).toMatchObject({ status: 404 });
    expect(await get('/v1/%zz')).toMatchObject({ status: 400, json: { error: { code: 'invalid_url' } } });
  });

  it('hides what went wrong inside, and logs it', async () => {
    const { control } = server.agent;
    const pause = vi.spyOn(control, 'pause').mockRejectedValueOnce(new Error('the password is hunter2'));
    const answer = await change({ method: 'PUT', path: '/v1/paused' });
    expect(answer).toMatchObject({ status: 500, json: { error: { code: 'internal' } } });
    expect(answer.text).not.toContain('hunter2');
    expect(server.events.at(-1)).toMatchObject({ level: 'error', event: 'http.route.failed' });
    pause.mockRestore();
  });
});

describe('poolers', () => {
  const tell = (name: string, body: string) =>
    ask(server.address, { method: 'PUT', path: `/v1/poolers/${name}`, body });

  it('say without a token whether they hold their clients, and hear whether they should', async () => {
    server.agent.calls.length = 0;
    const answer = await tell('pg-pooler-5d9-x2x', '{"holds":false}');
    expect(answer).toMatchObject({ status: 200, json: { hold: true } });
    expect(server.agent.calls).toEqual([['pooler', 'pg-pooler-5d9-x2x', false]]);
  });

  it('are refused with a name or a word that is none', async () => {
    expect((await tell('a%20b', '{"holds":true}')).status).toBe(422);
    expect((await tell('a', '{"holds":1}')).status).toBe(422);
  });
});

describe('the token', () => {
  const CHANGES = [
    ['POST', '/v1/switchover'],
    ['PUT', '/v1/paused'],
    ['DELETE', '/v1/fenced/pg-0'],
    ['POST', '/v1/members/pg-0/restart'],
    ['POST', '/peer/v1/promise'],
    ['POST', '/peer/v1/lead'],
    ['POST', '/peer/v1/hold'],
  ] as const;

  it('is asked for over TCP, before the body is looked at', async () => {
    server.agent.calls.length = 0;
    for (const [method, path] of CHANGES) {
      for (const headers of [
        {},
        { authorization: `Basic ${TOKEN}` },
        { authorization: 'Bearer wrong' },
        { authorization: `Bearer ${TOKEN}x` },
        { authorization: 'Bearer ' },
      ]) {
        const answer = await ask(server.address, { method, path, headers, body: 'not json' });
        expect(answer, `${method} ${path}`).toMatchObject({
          status: 401,
          headers: { 'www-authenticate': 'Bearer realm="pgwarden"' },
        });
      }
    }
    expect(await get('/peer/v1/state')).toMatchObject({ status: 401 });
    expect(server.agent.calls).toEqual([]);
  });

  it('is not asked for over the Unix socket', async () => {
    const { socketPath } = server;
    expect(await ask(server.address, { method: 'PUT', path: '/v1/paused', socketPath })).toMatchObject({
      status: 202,
    });
    expect(await ask(server.address, { path: '/peer/v1/state', socketPath })).toMatchObject({ status: 200 });
  });

  it('may rotate', async () => {
    let token = 'old';
    await using rotating = await runServer({ token: () => token });
    const pause = (given: string) =>
      ask(rotating.address, { method: 'PUT', path: '/v1/paused', token: given });
    expect((await pause('old')).status).toBe(202);
    token = 'new';
    expect((await pause('old')).status).toBe(401);
    expect((await pause('new')).status).toBe(202);
  });

  it('is the only way over TCP: without one, nothing can be changed there', async () => {
    await using open = await runServer({ token: () => null });
    expect(await ask(open.address, { method: 'PUT', path: '/v1/paused', token: '' })).toMatchObject({
      status: 403,
      json: { error: { code: 'token_not_configured' } },
    });
    expect(await ask(open.address, { path: '/peer/v1/state' })).toMatchObject({ status: 200 });
    const { socketPath } = open;
    expect(await ask(open.address, { method: 'PUT', path: '/v1/paused', socketPath })).toMatchObject({
      status: 202,
    });
  });
});

describe('the peer protocol', () => {
  it('passes each call on and its answer back', async () => {
    server.agent.calls.length = 0;
    const promise = { clusterUID: 'x', candidate: PG0, epoch: 8, recordEpoch: 7, recordRevision: 4 };
    const lead = { candidate: PG0, epoch: 8 };
    const hold = { primary: PG0, epoch: 8, duration: 5000 };
    expect((await ask(server.address, { path: '/peer/v1/state', token: TOKEN })).json).toEqual(PEER_STATE);
    expect(await change({ path: '/peer/v1/promise', body: promise })).toMatchObject({
      status: 200,
      json: GRANTED,
    });
    expect(await change({ path: '/peer/v1/lead', body: lead })).toMatchObject({ status: 204, text: '' });
    expect((await change({ path: '/peer/v1/hold', body: hold })).json).toMatchObject({ granted: true });
    expect(server.agent.calls).toEqual([
      ['promise', promise],
      ['lead', lead],
      ['hold', hold],
    ]);
  });

  it('takes a request of a newer version, which may say more', async () => {
    const body = {
      clusterUID: 'x',
      candidate: PG0,
      epoch: 8,
      recordEpoch: 7,
      recordRevision: 4,
      shiny: true,
    };
    expect(await change({ path: '/peer/v1/promise', body })).toMatchObject({ status: 200, json: GRANTED });
  });

  it('gives a promise up when it takes too long, even if the work does not heed that', async () => {
    await using slow = await runServer({ promiseTimeout: millis(50) });
    let given: AbortSignal | undefined;
    slow.agent.onPromise = (_request, signal) => {
      given = signal;
      return new Promise(() => undefined);
    };
    const body = { clusterUID: 'x', candidate: PG0, epoch: 8, recordEpoch: 7, recordRevision: 4 };
    expect(
      await ask(slow.address, { method: 'POST', path: '/peer/v1/promise', token: TOKEN, body }),
    ).toMatchObject({
      status: 503,
      json: { error: { code: 'promise_timeout' } },
    });
    expect(given?.aborted).toBe(true);
  });
});

describe('the Unix socket', () => {
  it('can be opened by its owner alone, and so can its directory', async () => {
    expect((await stat(server.socketPath)).mode & 0o777).toBe(0o600);
    expect((await stat(join(server.socketPath, '..'))).mode & 0o777).toBe(0o700);
  });

  it('replaces the file of an agent that died, and removes its own at the end', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'pgwarden-http-'));
    const socketPath = join(directory, 'agent.sock');
    await leaveStaleSocket(socketPath);
    {
      await using again = await runServer({ socketPath });
      expect(await ask(again.address, { path: '/livez', socketPath })).toMatchObject({ status: 200 });
    }
    await expect(stat(socketPath)).rejects.toMatchObject({ code: 'ENOENT' });
    await rm(directory, { recursive: true });
  });

  it('is never taken from an agent that answers', async () => {
    await expect(runServer({ socketPath: server.socketPath })).rejects.toMatchObject({
      code: 'HTTP_SOCKET_IN_USE',
    });
    expect(await ask(server.address, { path: '/livez', socketPath: server.socketPath })).toMatchObject({
      status: 200,
    });
  });

  it('is refused where something else is, or the path is too long', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'pgwarden-http-'));
    const file = join(directory, 'precious');
    await writeFile(file, 'data');
    for (const socketPath of [file, join(file, 'agent.sock'), join(directory, 'x'.repeat(100))]) {
      await expect(runServer({ socketPath })).rejects.toMatchObject({ code: 'HTTP_SOCKET_PATH' });
    }
    const locked = join(directory, 'run');
    await mkdir(locked);
    await chmod(locked, 0o755);
    await using open = await runServer({ socketPath: join(locked, 'agent.sock') });
    expect((await stat(open.socketPath)).mode & 0o777).toBe(0o600);
    await rm(directory, { recursive: true });
  });
});

describe('the server', () => {
  it('says which address is taken', async () => {
    const { host, port } = server.address;
    const second = new HttpServer(new ScriptedAgent(), {
      host,
      port,
      socketPath: null,
      tls: null,
      token: () => null,
    });
    await expect(second.run(new AbortController().signal)).rejects.toMatchObject({
      code: 'HTTP_LISTEN_FAILED',
      message: expect.stringContaining(`${host}:${port}: EADDRINUSE`),
    });
    await expect(second.listening).rejects.toMatchObject({ code: 'HTTP_LISTEN_FAILED' });
  });

  it('lets a request under way end before it does', async () => {
    await using ending = await runServer();
    const started = Promise.withResolvers<void>();
    const release = Promise.withResolvers<void>();
    ending.agent.onPromise = async () => {
      started.resolve();
      await release.promise;
      return GRANTED;
    };
    const body = { clusterUID: 'x', candidate: PG0, epoch: 8, recordEpoch: 7, recordRevision: 4 };
    const answer = ask(ending.address, { method: 'POST', path: '/peer/v1/promise', token: TOKEN, body });
    await started.promise;
    ending.end();
    await vi.waitFor(() =>
      expect(ask(ending.address, { path: '/livez' })).rejects.toMatchObject({ code: 'ECONNREFUSED' }),
    );
    release.resolve();
    expect(await answer).toMatchObject({ status: 200, json: GRANTED });
    await ending.ended;
  });

  it('ends within its bound whatever is under way', async () => {
    await using ending = await runServer({ closeTimeout: millis(100) });
    const started = Promise.withResolvers<void>();
    ending.agent.onPromise = () => {
      started.resolve();
      return new Promise(() => undefined);
    };
    const body = { clusterUID: 'x', candidate: PG0, epoch: 8, recordEpoch: 7, recordRevision: 4 };
    const answer = ask(ending.address, { method: 'POST', path: '/peer/v1/promise', token: TOKEN, body });
    answer.catch(() => undefined);
    await started.promise;
    const startedAt = performance.now();
    ending.end();
    await ending.ended;
    expect(performance.now() - startedAt).toBeLessThan(2000);
    await expect(answer).rejects.toMatchObject({ code: 'ECONNRESET' });
  });
});

/** The socket file of a process that was killed: bound, with nobody listening. */
async function leaveStaleSocket(path: string): Promise<void> {
  const { spawn } = await import('node:child_process');
  const script = `require('node:net').createServer().listen(process.argv[1], () => process.kill(process.pid, 'SIGKILL'))`;
  const child = spawn(process.execPath, ['-e', script, path]);
  await new Promise((resolve) => child.once('exit', resolve));
  expect((await stat(path)).isSocket()).toBe(true);
}
