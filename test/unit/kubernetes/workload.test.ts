import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { memberName } from '../../../src/ha/member.ts';
import type { ApiClient } from '../../../src/kubernetes/client.ts';
import { ApiForbiddenError } from '../../../src/kubernetes/errors.ts';
import { type MemberPod, StatefulSetWorkload } from '../../../src/kubernetes/workload.ts';
import { failure, json, ScriptedServer } from './scripted-server.ts';

const PG0 = memberName('pg-0');
const POD: MemberPod = { member: PG0, uid: 'uid-0', revision: 'pg-1', terminating: false, ready: true };

const absent = (name: string, kind: string): unknown => ({
  kind: 'Status',
  status: 'Failure',
  reason: 'NotFound',
  details: { name, kind },
  code: 404,
});

describe('the StatefulSet and its pods', () => {
  let server: ScriptedServer;
  let client: ApiClient;
  let workload: StatefulSetWorkload;
  beforeEach(async () => {
    server = await ScriptedServer.start();
    client = await server.client();
    workload = new StatefulSetWorkload(client, { namespace: 'db', name: 'pg' });
  });
  afterEach(async () => {
    client.close();
    await server[Symbol.asyncDispose]();
  });

  const set = (strategy: string, observed = 4) => ({
    metadata: { name: 'pg', generation: 4 },
    spec: { updateStrategy: { type: strategy } },
    status: { observedGeneration: observed, updateRevision: 'pg-2' },
  });

  test('tell which revision is wanted, where the members are to bring it', async () => {
    server.handler = (_, response) => json(response, 200, set('OnDelete'));
    expect(await workload.wantedRevision()).toBe('pg-2');
    expect(server.requests[0]?.path).toBe('/apis/apps/v1/namespaces/db/statefulsets/pg');
    for (const other of [set('RollingUpdate'), set('OnDelete', 3)]) {
      server.handler = (_, response) => json(response, 200, other);
      expect(await workload.wantedRevision()).toBeNull();
    }
  });

  test('want nothing where there is no StatefulSet, and name the rule where it may not be read', async () => {
    server.handler = (_, response) => json(response, 404, absent('pg', 'statefulsets'));
    expect(await workload.wantedRevision()).toBeNull();
    server.handler = (_, response) => failure(response, 403, 'Forbidden');
    await expect(workload.wantedRevision()).rejects.toThrow(ApiForbiddenError);
    await expect(workload.wantedRevision()).rejects.toMatchObject({
      remedy: expect.stringContaining('resources: ["statefulsets"], verbs: ["get"]'),
    });
  });

  test('tell of each pod whether it is there, going and ready', async () => {
    server.handler = ({ path }, response) => {
      if (path.endsWith('/pg-1')) {
        json(response, 404, absent('pg-1', 'pods'));
        return;
      }
      const labels = { 'controller-revision-hash': 'pg-1' };
      const conditions = [{ type: 'Ready', status: path.endsWith('/pg-0') ? 'True' : 'False' }];
      const going = path.endsWith('/pg-2') ? { deletionTimestamp: '2026-01-01T00:00:00Z' } : {};
      json(response, 200, {
        metadata: { uid: `uid-${path.at(-1)}`, labels, ...going },
        status: { conditions },
      });
    };
    expect(await workload.pods([PG0, memberName('pg-1'), memberName('pg-2')])).toEqual([
      POD,
      { member: 'pg-1', uid: '', revision: null, terminating: false, ready: false },
      { member: 'pg-2', uid: 'uid-2', revision: 'pg-1', terminating: true, ready: false },
    ]);
  });

  test('are evicted by uid; a budget that allows none is an answer', async () => {
    server.handler = (_, response) => json(response, 201, {});
    expect(await workload.evict(POD)).toBe(true);
    expect(server.requests[0]).toMatchObject({
      method: 'POST',
      path: '/api/v1/namespaces/db/pods/pg-0/eviction',
      body: {
        kind: 'Eviction',
        metadata: { name: 'pg-0' },
        deleteOptions: { preconditions: { uid: 'uid-0' } },
      },
    });
    for (const status of [404, 409, 429]) {
      server.handler = (_, response) => failure(response, status, 'TooManyRequests');
      expect(await workload.evict(POD)).toBe(false);
    }
    server.handler = (_, response) => failure(response, 403, 'Forbidden');
    await expect(workload.evict(POD)).rejects.toMatchObject({
      remedy: expect.stringContaining('resources: ["pods/eviction"], verbs: ["create"]'),
    });
  });
});
