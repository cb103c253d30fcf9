import { execFile } from 'node:child_process';
import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { millis } from '../../../src/ha/units.ts';
import { ApiClient } from '../../../src/kubernetes/client.ts';
import { ApiEndpoint } from '../../../src/kubernetes/endpoint.ts';
import { explicitSource } from '../../../src/kubernetes/endpoint-source.ts';
import { silentLogger } from '../../../src/kubernetes/log.ts';

const run = promisify(execFile);
const GET = { verb: 'get', resource: 'leases', namespace: 'db', name: 'pg' } as const;
const LONG = millis(5_000);
const openssl = await run('openssl', ['version']).then(
  () => true,
  () => false,
);

describe('TLS towards the API', () => {
  let directory: string;
  let server: Server | null = null;
  let answers: { subject: string; connection: number }[];
  let connections: number;

  const file = (name: string): string => join(directory, name);

  const authority = async (name: string): Promise<void> => {
    await run('openssl', [
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'],
      ...['-keyout', file(`${name}.key`), '-out', file(`${name}.crt`), '-days', '2', '-subj', `/CN=${name}`],
    ]);
  };

  const certificate = async (name: string, ca: string, alternative: string): Promise<void> => {
    await run('openssl', [
      ...['req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'],
      ...['-keyout', file(`${name}.key`), '-out', file(`${name}.csr`), '-subj', `/CN=${name}`],
    ]);
    await writeFile(file('extensions'), `subjectAltName=${alternative}`);
    await run('openssl', [
      ...['x509', '-req', '-in', file(`${name}.csr`), '-CA', file(`${ca}.crt`), '-CAkey', file(`${ca}.key`)],
      ...['-CAcreateserial', '-days', '2', '-out', file(`${name}.crt`), '-extfile', file('extensions')],
    ]);
  };

  const serve = async (): Promise<string> => {
    const numbers = new WeakMap<object, number>();
    server = createServer(
      {
        cert: await readFile(file('server.crt')),
        key: await readFile(file('server.key')),
        ca: await readFile(file('ca.crt')),
        requestCert: true,
        rejectUnauthorized: false,
      },
      (request, response) => {
        const socket = request.socket as TLSSocket;
        const subject = socket.authorized ? String(socket.getPeerCertificate().subject.CN) : 'nobody';
        answers.push({ subject, connection: numbers.get(socket) ?? -1 });
        response.end('{}');
      },
    );
    server.on('secureConnection', (socket) => {
      connections += 1;
      numbers.set(socket, connections);
    });
    await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
    return `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
  };

  beforeEach(async (context) => {
    if (!openssl) context.skip('openssl, which makes the certificates, is not installed');
    directory = await mkdtemp(join(tmpdir(), 'pgwarden-tls-'));
    answers = [];
    connections = 0;
    await authority('ca');
    await certificate('server', 'ca', 'IP:127.0.0.1');
    await certificate('first', 'ca', 'DNS:first');
    await certificate('second', 'ca', 'DNS:second');
    await copyFile(file('first.crt'), file('client.crt'));
    await copyFile(file('first.key'), file('client.key'));
  });

  afterEach(async () => {
    server?.closeAllConnections();
    server?.close();
    if (openssl) await rm(directory, { recursive: true });
  });

  it('shows its certificate, and the new one on a new connection after a rotation', async () => {
    const source = explicitSource({
      server: await serve(),
      caFile: file('ca.crt'),
      certFile: file('client.crt'),
      keyFile: file('client.key'),
    });
    const endpoint = await ApiEndpoint.open(source, { log: silentLogger });
    const client = new ApiClient(endpoint);
    await client.request(GET, LONG);
    await endpoint.refresh();
    await client.request(GET, LONG);
    await copyFile(file('second.crt'), file('client.crt'));
    await copyFile(file('second.key'), file('client.key'));
    await endpoint.refresh();
    await client.request(GET, LONG);
    expect(answers).toEqual([
      { subject: 'first', connection: 1 },
      { subject: 'first', connection: 1 },
      { subject: 'second', connection: 2 },
    ]);
    client.close();
  });

  it('sends nothing to a server whose certificate another authority signed', async () => {
    await authority('stranger');
    const url = await serve();
    for (const explicit of [{ server: url, caFile: file('stranger.crt') }, { server: url }]) {
      const client = new ApiClient(await ApiEndpoint.open(explicitSource(explicit), { log: silentLogger }));
      await expect(client.request(GET, LONG)).rejects.toMatchObject({ code: 'API_UNREACHABLE' });
    }
    expect(answers).toEqual([]);
  });

  it('sends nothing to a server whose certificate is for another address', async () => {
    await certificate('server', 'ca', 'IP:127.0.0.9');
    const source = explicitSource({ server: await serve(), caFile: file('ca.crt') });
    const client = new ApiClient(await ApiEndpoint.open(source, { log: silentLogger }));
    await expect(client.request(GET, LONG)).rejects.toThrow('127.0.0.9');
    expect(answers).toEqual([]);
  });
});
