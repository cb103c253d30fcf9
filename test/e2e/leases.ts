import { API, runningProcess } from '../../src/demo/run-files.ts';
import { openDemo } from '../../src/demo/state.ts';
import type { DemoCluster } from './cluster.ts';

const LEASES = '/apis/coordination.k8s.io/v1/namespaces/default/leases';
const PODS = '/api/v1/namespaces/default/pods';
const CALL_MILLIS = 5000;

export interface LeaseObject {
  readonly metadata: {
    readonly name: string;
    readonly resourceVersion?: string;
    readonly uid?: string;
    readonly annotations: Readonly<Record<string, string>>;
  };
  readonly spec: { readonly holderIdentity: string; readonly leaseTransitions: number };
}

/** Whatever has such an API. */
type Served = Pick<DemoCluster, 'api'>;

/** A call of the cluster's API as a person with kubectl would make it; rejects where it is refused. */
async function call<Body>(cluster: Served, method: string, path: string, body?: unknown): Promise<Body> {
  const answer = await fetch(`${cluster.api}${path}`, {
    method,
    signal: AbortSignal.timeout(CALL_MILLIS),
    headers: { 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
  return JSON.parse(text) as Body;
}

export const getLease = (cluster: Served, name = 'pg'): Promise<LeaseObject> =>
  call<LeaseObject>(cluster, 'GET', `${LEASES}/${name}`);

export async function deleteLease(cluster: Served, name = 'pg'): Promise<void> {
  await call(cluster, 'DELETE', `${LEASES}/${name}`);
}

/** Puts back what the Lease said at another time, as a restored etcd would. */
export const restoreLease = (cluster: Served, older: LeaseObject): Promise<void> =>
  editLease(cluster, () => older, older.metadata.name);

/** Changes the Lease as a person with `kubectl edit` would. */
export async function editLease(
  cluster: Served,
  change: (now: LeaseObject) => LeaseObject,
  name = 'pg',
): Promise<void> {
  for (;;) {
    const now = await getLease(cluster, name);
    const { resourceVersion, uid } = now.metadata;
    const changed = change(now);
    const edited = { ...changed, metadata: { ...changed.metadata, resourceVersion, uid } };
    try {
      await call(cluster, 'PUT', `${LEASES}/${name}`, edited);
      return;
    } catch (error) {
      // A renewal came between.
      if (!(error as Error).message.includes(' 409 ')) throw error;
    }
  }
}

/** The content of the cluster record's annotation. */
export function recordOf(lease: LeaseObject): Record<string, unknown> {
  return JSON.parse(lease.metadata.annotations['pgwarden.dev/record'] ?? '{}') as Record<string, unknown>;
}

/** `pgwarden.dev/role` of each pod that has it. */
export async function roleLabels(cluster: Served): Promise<ReadonlyMap<string, string>> {
  const { items } = await call<{
    items: { metadata: { name: string; labels?: Record<string, string> } }[];
  }>(cluster, 'GET', PODS);
  return new Map(
    items.flatMap(({ metadata }) => {
      const role = metadata.labels?.['pgwarden.dev/role'];
      return role === undefined ? [] : [[metadata.name, role] as const];
    }),
  );
}

/** Signals the process of the API server. */
export async function signalApi(cluster: DemoCluster, signal: NodeJS.Signals): Promise<void> {
  const running = runningProcess((await openDemo(cluster.dir)).layout, API);
  if (running === null) throw new Error('the API server does not run');
  process.kill(running.pid, signal);
}
