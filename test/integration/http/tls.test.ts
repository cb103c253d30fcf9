import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import https from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { millis } from '../../../src/ha/units.ts';
import { PeerClient, type PeerTls } from '../../../src/http/peer-client.ts';
import type { HttpAddress } from '../../../src/http/server.ts';
import type { TlsFiles } from '../../../src/http/tls-files.ts';
import { PEER_STATE } from '../../unit/http/scripted-agent.ts';
import { ask, runServer, TOKEN } from './running-server.ts';

const exec = promisify(execFile);
const SECOND = millis(1000);
const INTERVAL = millis(20);

interface Pair {
  readonly cert: string;
  readonly key: string;
}

let directory: string;
let ca: Pair;
let otherCa: Pair;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'pgwarden-tls-'));
  ca = await authority('ca');
  otherCa = await authority('other');
});
afterAll(() => rm(directory, { recursive: true }));

describe('TLS', () => {
  it('serves everything on the TCP address by it, and nothing without', async () => {
    await using server = await runServer({ tls: await secret('plain', await leaf('one', ca)) });
    expect(server.address.https).toBe(true);
    const tls = { ca: ca.cert };
    expect(await ask(server.address, { path: '/livez', tls })).toMatchObject({ status: 200 });
    expect(await ask(server.address, { method: 'PUT', path: '/v1/paused', token: TOKEN, tls })).toMatchObject(
      { status: 202 },
    );
    await expect(ask(server.address, { path: '/livez' })).rejects.toThrow();
    await expect(ask(server.address, { path: '/livez', tls: { ca: otherCa.cert } })).rejects.toThrow(
      /certificate/,
    );
    const { socketPath } = server;
    expect(await ask(server.address, { path: '/livez', socketPath })).toMatchObject({ status: 200 });
  });

  it('takes new files of a swapped Secret volume and keeps the connections that are open', async () => {
    const files = await secret('rotating', await leaf('first', ca));
    await using server = await runServer({ tls: files, tlsInterval: INTERVAL });
    using agent = new KeptAlive(server.address, ca.cert);
    const before = await agent.get('/livez');
    await swapSecret('rotating', await leaf('second', ca));
    await vi.waitFor(async () => expect(await subject(server.address, ca.cert)).toBe('second'), SECOND * 5);
    const after = await agent.get('/livez');
    expect([before.status, after.status]).toEqual([200, 200]);
    expect(after.socket).toBe(before.socket);
    expect(after.socket.getPeerCertificate().subject.CN).toBe('first');
    expect(server.events.filter(({ event }) => event === 'http.tls.reloaded')).toHaveLength(1);
  });

  it('keeps the old certificate while the files do not fit, and says so once', async () => {
    const files = await secret('broken', await leaf('good', ca));
    await using server = await runServer({ tls: files, tlsInterval: INTERVAL });
    const rejected = () => server.events.filter(({ event }) => event === 'http.tls.rejected');
    await writeFile(files.key, (await leaf('another', ca)).key);
    await vi.waitFor(() => expect(rejected()).toHaveLength(1), SECOND * 5);
    expect(await subject(server.address, ca.cert)).toBe('good');
    await rm(files.certificate);
    await vi.waitFor(() => expect(rejected()).toHaveLength(2), SECOND * 5);
    expect(await subject(server.address, ca.cert)).toBe('good');
    const next = await leaf('next', ca);
    await writeFile(files.key, next.key);
    await writeFile(files.certificate, next.cert);
    await vi.waitFor(async () => expect(await subject(server.address, ca.cert)).toBe('next'), SECOND * 5);
  });

  it('does not start with a missing file, or a key of another certificate', async () => {
    const pair = await leaf('x', ca);
    const files = await secret('wrong', { cert: pair.cert, key: (await leaf('y', ca)).key });
    await expect(runServer({ tls: files })).rejects.toMatchObject({ code: 'HTTP_TLS_FILES' });
    await expect(runServer({ tls: { ...files, key: join(directory, 'nowhere') } })).rejects.toMatchObject({
      code: 'HTTP_TLS_FILES',
      message: expect.stringContaining('nowhere'),
    });
  });

  it('asks those who change something for a client certificate, when given a CA for it', async () => {
    const files = await secret('mutual', await leaf('server', ca));
    const clientCa = join(directory, 'client-ca.pem');
    await writeFile(clientCa, ca.cert);
    await using server = await runServer({ tls: { ...files, clientCa } });
    const pause = (tls: https.RequestOptions) =>
      ask(server.address, { method: 'PUT', path: '/v1/paused', token: TOKEN, tls: { ca: ca.cert, ...tls } });
    expect(await ask(server.address, { path: '/readyz', tls: { ca: ca.cert } })).toMatchObject({
      status: 200,
    });
    expect(await pause({})).toMatchObject({
      status: 403,
      json: { error: { code: 'client_certificate_required' } },
    });
    expect(await pause(await leaf('stranger', otherCa))).toMatchObject({ status: 403 });
    const client = await leaf('client', ca);
    expect(await pause(client)).toMatchObject({ status: 202 });

    const peer = (tls: PeerTls) => new PeerClient({ ...server.address, token: () => TOKEN, tls: () => tls });
    const trusted = peer({ ca: ca.cert, ...client });
    expect(await trusted.state(SECOND)).toEqual({ outcome: 'answered', value: PEER_STATE });
    trusted.close();
    const untrusted = peer({ ca: ca.cert });
    expect(await untrusted.state(SECOND)).toMatchObject({
      outcome: 'fault',
      error: { code: 'PEER_STATUS', status: 403 },
    });
    untrusted.close();
  });
});

describe('a peer over TLS', () => {
  it('is a fault, never silence or a refusal, when its certificate is not right', async () => {
    await using server = await runServer({ tls: await secret('peer', await leaf('peer', ca)) });
    const client = (tls: PeerTls | null, serverName?: string) =>
      new PeerClient({
        ...server.address,
        token: () => TOKEN,
        tls: () => tls,
        ...(serverName === undefined ? {} : { serverName }),
      });
    for (const [peer, outcome] of [
      [client({ ca: ca.cert }), 'answered'],
      [client({ ca: ca.cert }, 'peer.test'), 'answered'],
      [client({ ca: ca.cert }, 'other.test'), 'fault'],
      [client({ ca: otherCa.cert }), 'fault'],
    ] as const) {
      expect((await peer.state(SECOND)).outcome).toBe(outcome);
      peer.close();
    }
  });

  it('follows a CA that rotates', async () => {
    await using server = await runServer({ tls: await secret('follow', await leaf('peer', ca)) });
    let tls: PeerTls = { ca: ca.cert };
    const peer = new PeerClient({ ...server.address, token: () => TOKEN, tls: () => tls });
    expect((await peer.state(SECOND)).outcome).toBe('answered');
    tls = { ca: otherCa.cert };
    expect((await peer.state(SECOND)).outcome).toBe('fault');
    tls = { ca: ca.cert };
    expect((await peer.state(SECOND)).outcome).toBe('answered');
    peer.close();
  });
});

/** A client that keeps one connection. */
class KeptAlive implements Disposable {
  readonly #agent: https.Agent;
  readonly #address: HttpAddress;

  constructor(address: HttpAddress, cert: string) {
    this.#address = address;
    this.#agent = new https.Agent({ keepAlive: true, maxSockets: 1, ca: cert });
  }

  get(path: string): Promise<{ status: number; socket: TLSSocket }> {
    const { promise, resolve, reject } = Promise.withResolvers<{ status: number; socket: TLSSocket }>();
    const { host, port } = this.#address;
    const request = https.get({ host, port, path, agent: this.#agent }, (response) => {
      const { socket } = response;
      response
        .resume()
        .on('end', () => resolve({ status: response.statusCode ?? 0, socket: socket as TLSSocket }));
    });
    request.on('error', reject);
    return promise;
  }

  [Symbol.dispose](): void {
    this.#agent.destroy();
  }
}

/** The common name of the certificate that a new connection gets. */
async function subject(address: HttpAddress, cert: string): Promise<string | string[] | undefined> {
  using client = new KeptAlive(address, cert);
  return (await client.get('/livez')).socket.getPeerCertificate().subject.CN;
}

async function authority(name: string): Promise<Pair> {
  const [key, cert] = [join(directory, `${name}.key`), join(directory, `${name}.pem`)];
  const make = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'];
  await exec('openssl', ['req', ...make, '-subj', `/CN=${name}`, '-keyout', key, '-out', cert]);
  return { cert: await readFile(cert, 'utf8'), key: await readFile(key, 'utf8') };
}

async function leaf(name: string, issuer: Pair): Promise<Pair> {
  const nest = await mkdtemp(join(directory, 'leaf-'));
  const at = (file: string): string => join(nest, file);
  await writeFile(at('ca.pem'), issuer.cert);
  await writeFile(at('ca.key'), issuer.key);
  await writeFile(at('ext'), `subjectAltName=IP:127.0.0.1,DNS:${name}.test\n`);
  await exec('openssl', [
    'req',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:P-256',
    '-nodes',
    '-subj',
    `/CN=${name}`,
    '-keyout',
    at('key'),
    '-out',
    at('csr'),
  ]);
  await exec('openssl', [
    'x509',
    '-req',
    '-in',
    at('csr'),
    '-CA',
    at('ca.pem'),
    '-CAkey',
    at('ca.key'),
    '-CAcreateserial',
    '-days',
    '2',
    '-extfile',
    at('ext'),
    '-out',
    at('pem'),
  ]);
  return { cert: await readFile(at('pem'), 'utf8'), key: await readFile(at('key'), 'utf8') };
}

/** A directory as kubelet lays out a Secret volume: files are links into `..data`, itself a link to a generation. */
async function secret(name: string, pair: Pair): Promise<TlsFiles> {
  const volume = join(directory, name);
  await mkdir(volume);
  await swapSecret(name, pair);
  for (const file of ['tls.crt', 'tls.key']) await symlink(join('..data', file), join(volume, file));
  return { certificate: join(volume, 'tls.crt'), key: join(volume, 'tls.key') };
}

/** What kubelet does when a Secret changes (AtomicWriter): a new generation, and one rename of the link. */
async function swapSecret(name: string, pair: Pair): Promise<void> {
  const volume = join(directory, name);
  const generation = await mkdtemp(join(volume, '..generation-'));
  await writeFile(join(generation, 'tls.crt'), pair.cert);
  await writeFile(join(generation, 'tls.key'), pair.key);
  await symlink(generation, join(volume, '..data_tmp'));
  await rename(join(volume, '..data_tmp'), join(volume, '..data'));
}
