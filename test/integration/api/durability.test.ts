import { appendFile, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ApiProcess } from './api-process.ts';
import { type Json, RawClient } from './raw-client.ts';
import { lease } from './scenarios/scenario.ts';

const LEASES = '/apis/coordination.k8s.io/v1/namespaces/default/leases';

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'pgwarden-durability-'));
});

afterEach(async () => {
  await rm(directory, { recursive: true, force: true });
});

interface Acknowledged {
  transitions: number;
  version: number;
}

/** Counts `leaseTransitions` up by compare-and-swap until the server is gone; remembers what was acknowledged. */
async function countUp(
  client: RawClient,
  name: string,
  acknowledged: Map<string, Acknowledged>,
): Promise<void> {
  const call = async (method: string, path: string, body: object): Promise<Json> => {
    const answer = await client.call(method, path, { body }).catch(() => null);
    return answer === null ? null : answer.body;
  };
  let current = await call('POST', LEASES, lease(name, { spec: { leaseTransitions: 0 } }));
  while (current?.spec !== undefined) {
    const { resourceVersion } = current.metadata;
    const { leaseTransitions } = current.spec;
    acknowledged.set(name, { transitions: leaseTransitions, version: Number(resourceVersion) });
    const next = lease(name, {
      metadata: { resourceVersion },
      spec: { leaseTransitions: leaseTransitions + 1 },
    });
    current = await call('PUT', `${LEASES}/${name}`, next);
  }
}

const total = (acknowledged: ReadonlyMap<string, Acknowledged>): number =>
  [...acknowledged.values()].reduce((sum, { transitions }) => sum + transitions, 0);

async function until(condition: () => boolean | Promise<boolean>, within = 20_000): Promise<void> {
  const deadline = performance.now() + within;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error('the condition did not come true in time');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

describe('after kill -9', () => {
  test.each([
    ['with a long log', 10_000_000],
    ['while snapshots are taken', 20_000],
  ])('nothing that was acknowledged is lost, and nothing is invented, %s', async (_, compactAfter) => {
    const acknowledged = new Map<string, Acknowledged>();
    let highest = 0;
    for (let round = 0; round < 4; round += 1) {
      await using api = await ApiProcess.start(directory, 0, compactAfter);
      const client = new RawClient(api.configuration);
      const { items, metadata } = (await client.call('GET', LEASES)).body;
      expect(Number(metadata.resourceVersion)).toBeGreaterThanOrEqual(highest);
      expect(items.length).toBeGreaterThanOrEqual(acknowledged.size);
      for (const [name, { transitions, version }] of acknowledged) {
        const found = items.find((item: Json) => item.metadata.name === name);
        // One more may have reached the disk without its answer reaching the client.
        expect([transitions, transitions + 1]).toContain(found.spec.leaseTransitions);
        expect(Number(found.metadata.resourceVersion)).toBeGreaterThanOrEqual(version);
        highest = Math.max(highest, Number(found.metadata.resourceVersion));
      }
      acknowledged.clear();
      const names = Array.from({ length: 5 }, (_unused, index) => `r${round}-${index}`);
      const writing = names.map((name) => countUp(client, name, acknowledged));
      await until(() => total(acknowledged) > 100);
      await api.end('SIGKILL');
      await Promise.all(writing);
    }
  });

  test('a watch goes on from the version that it had seen', async () => {
    const first = await ApiProcess.start(directory);
    const client = new RawClient(first.configuration);
    const { body } = await client.call('POST', LEASES, { body: lease('w') });
    for (let value = 2; value <= 5; value += 1) {
      const change = { body: { spec: { leaseTransitions: value } }, type: 'application/merge-patch+json' };
      await client.call('PATCH', `${LEASES}/w`, change);
    }
    await first.end('SIGKILL');
    await using second = await ApiProcess.start(directory);
    const seen: number[] = [];
    const path = `${LEASES}?watch=1&resourceVersion=${body.metadata.resourceVersion}&timeoutSeconds=20`;
    for await (const { object } of new RawClient(second.configuration).watch(path)) {
      seen.push(object.spec.leaseTransitions);
      if (seen.length === 4) break;
    }
    expect(seen).toEqual([2, 3, 4, 5]);
  });

  test('a line that was torn is cut off; one that is damaged before others stops the start', async () => {
    const first = await ApiProcess.start(directory);
    const { body } = await new RawClient(first.configuration).call('POST', LEASES, { body: lease('a') });
    await first.end('SIGKILL');
    const log = join(directory, (await readdir(directory)).find((name) => name.startsWith('log-'))!);
    const whole = await readFile(log, 'utf8');
    await appendFile(log, whole.slice(0, 40));
    const second = await ApiProcess.start(directory);
    expect((await new RawClient(second.configuration).call('GET', `${LEASES}/a`)).body).toEqual(body);
    expect(await readFile(log, 'utf8')).toBe(whole);
    await second.end('SIGKILL');
    await writeFile(log, whole.replace('kube-public', 'kube-pablic'));
    await expect(ApiProcess.start(directory)).rejects.toThrow('API_STORE_CORRUPT');
    expect(await readFile(log, 'utf8')).toContain('kube-pablic');
  });
});

test('a long log becomes a snapshot that holds the same', async () => {
  const first = await ApiProcess.start(directory, 0, 20_000);
  const client = new RawClient(first.configuration);
  const acknowledged = new Map<string, Acknowledged>();
  const counting = countUp(client, 'a', acknowledged);
  await until(() => total(acknowledged) > 120);
  await first.end('SIGTERM');
  await counting;
  const names = await readdir(directory);
  expect(names.filter((name) => name.startsWith('snapshot-'))).toHaveLength(1);
  expect(names.filter((name) => name.startsWith('log-'))).toHaveLength(1);
  expect(names.join()).not.toContain('snapshot-0000000000000000');
  await using second = await ApiProcess.start(directory);
  const { body } = await new RawClient(second.configuration).call('GET', `${LEASES}/a`);
  expect(body.spec.leaseTransitions).toBeGreaterThanOrEqual(acknowledged.get('a')!.transitions);
});

test('where the disk takes no more, writes fail, nothing of them is seen, and reading goes on', async () => {
  const first = await ApiProcess.start(directory, 0, 15_000, 32);
  const client = new RawClient(first.configuration);
  const filler = 'x'.repeat(700);
  const kept: string[] = [];
  let refused: Json = null;
  for (let index = 0; refused === null && index < 200; index += 1) {
    const answer = await client.call('POST', LEASES, {
      body: lease(`l${index}`, { metadata: { annotations: { filler } } }),
    });
    if (answer.code === 201) kept.push(`l${index}`);
    else refused = answer;
  }
  expect(refused.code).toBe(500);
  expect(refused.body.reason).toBe('InternalError');
  const names = async (from: RawClient): Promise<string[]> =>
    (await from.call('GET', LEASES)).body.items.map(({ metadata }: Json) => metadata.name).sort();
  expect(await names(client)).toEqual(kept.toSorted());
  // A small change may still fit; the same large one does not.
  expect((await client.call('DELETE', `${LEASES}/${kept[0]}`)).code).toBeOneOf([200, 500]);
  const left = await names(client);
  await first.end('SIGKILL');
  await using second = await ApiProcess.start(directory);
  expect(await names(new RawClient(second.configuration))).toEqual(left);
});

describe('a process that is stopped and goes on', () => {
  test('answers what it was asked, and its watches miss nothing', async () => {
    await using api = await ApiProcess.start(directory);
    const client = new RawClient(api.configuration);
    await client.call('POST', LEASES, { body: lease('a') });
    const seen: Json[] = [];
    const stop = new AbortController();
    const watching = (async () => {
      for await (const event of client.watch(`${LEASES}?watch=1&timeoutSeconds=60`, stop.signal))
        seen.push(event);
    })().catch(() => undefined);
    await until(() => seen.length === 1);
    api.signal('SIGSTOP');
    const change = { body: { spec: { leaseTransitions: 2 } }, type: 'application/merge-patch+json' };
    const pending = client.call('PATCH', `${LEASES}/a`, change);
    const early = await Promise.race([
      pending,
      new Promise((resolve) => setTimeout(resolve, 1_000, 'nothing')),
    ]);
    expect(early).toBe('nothing');
    api.signal('SIGCONT');
    expect((await pending).code).toBe(200);
    await until(() => seen.length === 2);
    expect(seen[1].object.spec.leaseTransitions).toBe(2);
    stop.abort();
    await watching;
  });
});

test('SIGTERM ends watches, and the same port and directory serve again at once', async () => {
  const first = await ApiProcess.start(directory);
  const client = new RawClient(first.configuration);
  const started = Promise.withResolvers<void>();
  const watching = (async () => {
    const events = [];
    for await (const event of client.watch('/api/v1/namespaces?watch=1&timeoutSeconds=60')) {
      events.push(event);
      started.resolve();
    }
    return events;
  })();
  await started.promise;
  expect(await first.end('SIGTERM')).toBe(0);
  // The stream has a proper end: no error reaches the reader.
  expect(await watching).toHaveLength(4);
  await using second = await ApiProcess.start(directory, first.port);
  expect(second.port).toBe(first.port);
});
