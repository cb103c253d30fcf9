import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { memberName } from '../../../src/ha/member.ts';
import { type Instant, instant, millis } from '../../../src/ha/units.ts';
import { PodAnnouncer } from '../../../src/kubernetes/announcer.ts';
import type { ApiClient } from '../../../src/kubernetes/client.ts';
import { systemClock } from '../../../src/kubernetes/clock.ts';
import { silentLogger } from '../../../src/kubernetes/log.ts';
import { until } from './fixtures.ts';
import { failure, json, ScriptedServer } from './scripted-server.ts';

const PG0 = memberName('pg-0');

describe('the announcer', () => {
  let server: ScriptedServer;
  let client: ApiClient;
  let announcer: PodAnnouncer;
  let now: Instant;
  let warnings: string[];

  beforeEach(async () => {
    server = await ScriptedServer.start();
    client = await server.client();
    now = instant(0);
    warnings = [];
    announcer = new PodAnnouncer({
      client,
      namespace: 'db',
      member: PG0,
      podUID: 'uid-0',
      log: { ...silentLogger, warn: (fields) => warnings.push(String(fields.event)) },
      clock: { ...systemClock, now: () => now },
      wallClock: () => new Date('2026-03-04T05:06:07.089Z'),
    });
  });

  afterEach(async () => {
    client.close();
    await server[Symbol.asyncDispose]();
  });

  it('labels its own very pod, and others by name, by a merge patch, and removes the label', async () => {
    await announcer.labelRole(PG0, 'primary');
    await announcer.labelRole(memberName('pg-1'), 'none');
    expect(server.requests[0]).toMatchObject({
      method: 'PATCH',
      path: '/api/v1/namespaces/db/pods/pg-0',
      body: { metadata: { uid: 'uid-0', labels: { 'pgwarden.dev/role': 'primary' } } },
    });
    expect(server.requests[0]?.headers['content-type']).toBe('application/merge-patch+json');
    expect(server.requests[1]?.body).toEqual({ metadata: { labels: { 'pgwarden.dev/role': null } } });
  });

  it('takes the label of the primary from a pod that still has it, and leaves one that says something else', async () => {
    let role = 'primary';
    server.handler = (_, response) =>
      json(response, 200, { metadata: { resourceVersion: '7', labels: { 'pgwarden.dev/role': role } } });
    await announcer.unlabelPrimary(memberName('pg-1'));
    expect(server.requests.map(({ method }) => method)).toEqual(['GET', 'PATCH']);
    expect(server.requests[1]?.body).toEqual({
      metadata: { resourceVersion: '7', labels: { 'pgwarden.dev/role': null } },
    });
    role = 'standby';
    await announcer.unlabelPrimary(memberName('pg-1'));
    expect(server.requests.map(({ method }) => method)).toEqual(['GET', 'PATCH', 'GET']);
  });

  it('sends the same label again only after a while', async () => {
    await announcer.labelRole(PG0, 'standby');
    await announcer.labelRole(PG0, 'standby');
    expect(server.requests).toHaveLength(1);
    now = instant(now + 30_001);
    await announcer.labelRole(PG0, 'standby');
    expect(server.requests).toHaveLength(2);
  });

  it('never has two labels of one pod under way: the newest wins', async () => {
    const pending: (() => void)[] = [];
    server.handler = (_, response) => pending.push(() => json(response, 200, {}));
    const all = (['standby', 'none', 'primary'] as const).map((role) => announcer.labelRole(PG0, role));
    await until('the first is on its way', () => pending.length === 1);
    pending[0]?.();
    await until('the last is on its way', () => pending.length === 2);
    pending[1]?.();
    await Promise.all(all);
    expect(server.requests.map((request) => request.body)).toEqual([
      { metadata: { uid: 'uid-0', labels: { 'pgwarden.dev/role': 'standby' } } },
      { metadata: { uid: 'uid-0', labels: { 'pgwarden.dev/role': 'primary' } } },
    ]);
  });

  it('logs a failure, and tries again at the next call', async () => {
    server.handler = (_, response) => failure(response, 403, 'Forbidden');
    await announcer.labelRole(PG0, 'primary');
    expect(warnings).toEqual(['kubernetes.label.failed']);
    server.handler = (_, response) => json(response, 200, {});
    await announcer.labelRole(PG0, 'primary');
    expect(server.requests).toHaveLength(2);
  });

  it('writes an Event about its pod', async () => {
    await announcer.event({ type: 'Normal', reason: 'Promoted', message: 'pg-0 is primary of epoch 7' });
    expect(server.requests[0]).toMatchObject({
      method: 'POST',
      path: '/api/v1/namespaces/db/events',
      body: {
        metadata: { name: expect.stringMatching(/^pg-0\.[0-9a-f]{16}$/), namespace: 'db' },
        involvedObject: { apiVersion: 'v1', kind: 'Pod', namespace: 'db', name: 'pg-0', uid: 'uid-0' },
        type: 'Normal',
        reason: 'Promoted',
        message: 'pg-0 is primary of epoch 7',
        count: 1,
        firstTimestamp: '2026-03-04T05:06:07Z',
      },
    });
  });

  it('counts up a repeated Event, and starts anew when the API has dropped it', async () => {
    const event = { type: 'Warning', reason: 'Suspected', message: 'no answer' } as const;
    await announcer.event(event);
    await announcer.event(event);
    expect(server.requests[1]).toMatchObject({ method: 'PATCH', body: { count: 2 } });
    server.handler = (request, response) => {
      if (request.method !== 'PATCH') return json(response, 201, {});
      const name = request.path.split('/').at(-1);
      return json(response, 404, { reason: 'NotFound', details: { name, kind: 'events' }, code: 404 });
    };
    await announcer.event(event);
    expect(server.requests.map((request) => request.method)).toEqual(['POST', 'PATCH', 'PATCH', 'POST']);
    now = instant(now + millis(600_000));
    await announcer.event(event);
    expect(server.requests.at(-1)?.method).toBe('POST');
  });

  it('keeps a bounded number of Events while the API hangs, the newest of them', async () => {
    const pending: (() => void)[] = [];
    server.handler = (_, response) => pending.push(() => json(response, 201, {}));
    const all = Array.from({ length: 100 }, (_, i) =>
      announcer.event({ type: 'Normal', reason: 'R', message: `m${i}` }),
    );
    await until('one is on its way', () => pending.length === 1);
    expect(warnings.filter((event) => event === 'kubernetes.event.dropped')).toHaveLength(35);
    server.handler = (_, response) => json(response, 201, {});
    pending[0]?.();
    await Promise.all(all);
    expect(server.requests).toHaveLength(65);
    expect(server.requests.at(-1)?.body).toMatchObject({ message: 'm99' });
  });
});
