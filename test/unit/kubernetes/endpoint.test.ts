import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { millis } from '../../../src/ha/units.ts';
import { ApiClient } from '../../../src/kubernetes/client.ts';
import { ApiEndpoint } from '../../../src/kubernetes/endpoint.ts';
import { explicitSource, inClusterSource } from '../../../src/kubernetes/endpoint-source.ts';
import { findEndpoint } from '../../../src/kubernetes/find-endpoint.ts';
import { silentLogger } from '../../../src/kubernetes/log.ts';
import { until } from './fixtures.ts';
import { failure, json, ScriptedServer } from './scripted-server.ts';

const GET = { verb: 'get', resource: 'leases', namespace: 'db', name: 'pg' } as const;

describe('the endpoint of the API', () => {
  let directory: string;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'pgwarden-endpoint-'));
  });

  afterEach(async () => {
    await rm(directory, { recursive: true });
  });

  const file = (name: string): string => join(directory, name);

  it('is what the kubelet mounts, in a pod', async () => {
    await writeFile(file('token'), 'secret\n');
    await writeFile(file('ca.crt'), 'CA');
    await writeFile(file('namespace'), 'db');
    const environment = { KUBERNETES_SERVICE_HOST: 'fd00::1', KUBERNETES_SERVICE_PORT: '443' };
    const source = await inClusterSource(environment, directory);
    expect(source.server.href).toBe('https://[fd00::1]/');
    expect(source.namespace).toBe('db');
    expect(await source.load()).toMatchObject({
      headers: { Authorization: 'Bearer secret' },
      tls: { ca: 'CA', rejectUnauthorized: true },
    });
    const endpoint = await ApiEndpoint.open(source, { log: silentLogger });
    expect(endpoint.host).toBe('fd00::1');
  });

  it('prefers an explicit address to all else', async () => {
    const found = await findEndpoint(
      { explicit: { server: 'http://127.0.0.1:1' }, kubeconfig: file('none') },
      { KUBECONFIG: file('none') },
    );
    expect(found.server.port).toBe('1');
  });

  it('reads a kubeconfig with its context, certificates and token', async () => {
    const config = {
      apiVersion: 'v1',
      kind: 'Config',
      'current-context': 'a',
      clusters: [
        {
          name: 'c',
          cluster: { server: 'https://api.example:6443', 'certificate-authority-data': btoa('CA') },
        },
      ],
      users: [
        { name: 'u', user: { 'client-certificate-data': btoa('CERT'), 'client-key-data': btoa('KEY') } },
        { name: 't', user: { token: 'tok' } },
      ],
      contexts: [
        { name: 'a', context: { cluster: 'c', user: 'u', namespace: 'one' } },
        { name: 'b', context: { cluster: 'c', user: 't' } },
      ],
    };
    await writeFile(file('config'), JSON.stringify(config));
    const current = await findEndpoint({}, { KUBECONFIG: file('config') });
    expect(current.server.href).toBe('https://api.example:6443/');
    expect(current.namespace).toBe('one');
    expect((await current.load()).tls).toMatchObject({ ca: 'CA', cert: 'CERT', key: 'KEY' });
    const other = await findEndpoint({ kubeconfig: file('config'), context: 'b' }, {});
    expect((await other.load()).headers).toEqual({ Authorization: 'Bearer tok' });
    await writeFile(
      file('config'),
      JSON.stringify({ ...config, users: [{ name: 't', user: { token: 'newer' } }] }),
    );
    expect((await other.load()).headers).toEqual({ Authorization: 'Bearer newer' });
  });

  it.each([
    ['a file that is not there', () => findEndpoint({ kubeconfig: file('none') }, {})],
    ['an address that is none', () => findEndpoint({ explicit: { server: 'nonsense' } }, {})],
    [
      'a certificate without its key',
      () => findEndpoint({ explicit: { server: 'https://h', certFile: 'c' } }, {}),
    ],
    [
      'a token that is not there',
      async () =>
        ApiEndpoint.open(explicitSource({ server: 'http://127.0.0.1', tokenFile: file('no') }), {
          log: silentLogger,
        }),
    ],
  ])('refuses %s with a remedy', async (_, find) => {
    await expect(find()).rejects.toMatchObject({
      code: 'API_CONFIGURATION',
      remedy: expect.stringMatching(/./),
    });
  });

  it('refuses a kubeconfig without that context', async () => {
    await writeFile(file('config'), JSON.stringify({ apiVersion: 'v1', kind: 'Config', clusters: [] }));
    await expect(findEndpoint({ kubeconfig: file('config') }, {})).rejects.toMatchObject({
      code: 'API_CONFIGURATION',
    });
  });

  it('starts without an address that the resolver does not know, and says so at each call', async () => {
    const source = explicitSource({ server: 'http://host.invalid:1' });
    const client = new ApiClient(await ApiEndpoint.open(source, { log: silentLogger }));
    await expect(client.request(GET, millis(1_000))).rejects.toThrow(
      'the address of host.invalid is not known',
    );
  });

  it('takes up a rotated token at once after a 401, and in its own time without one', async () => {
    await using server = await ScriptedServer.start();
    let valid = 'Bearer one';
    server.handler = (request, response) =>
      request.headers.authorization === valid
        ? json(response, 200, {})
        : failure(response, 401, 'Unauthorized');
    await writeFile(file('token'), 'one');
    const source = explicitSource({ server: server.url, tokenFile: file('token') });
    const stop = new AbortController();

    const eager = await ApiEndpoint.open(source, { log: silentLogger });
    const client = new ApiClient(eager);
    const running = eager.run(stop.signal);
    await client.request(GET, millis(1_000));
    await writeFile(file('token'), 'two');
    valid = 'Bearer two';
    await expect(client.request(GET, millis(1_000))).rejects.toMatchObject({ code: 'API_UNAUTHORIZED' });
    await until('the new token is in memory', () => eager.headers.Authorization === 'Bearer two');
    await client.request(GET, millis(1_000));

    const patient = await ApiEndpoint.open(source, { log: silentLogger, refreshEvery: millis(20) });
    const alsoRunning = patient.run(stop.signal);
    await writeFile(file('token'), 'three');
    await until('the newest token is in memory', () => patient.headers.Authorization === 'Bearer three');
    await rm(file('token'));
    await patient.refresh();
    expect(patient.headers.Authorization).toBe('Bearer three');

    stop.abort();
    await Promise.all([running, alsoRunning]);
    client.close();
  });
});
