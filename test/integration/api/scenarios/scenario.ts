import type { Session } from '../session.ts';

/**
 * One sequence of requests with what must come of them. It runs against the embedded API and a real API server;
 * all answers, not only those that are looked at here, must be the same.
 */
export interface Scenario {
  readonly name: string;
  run(session: Session): Promise<void>;
}

/** A Lease as an agent writes it. */
export function lease(
  name: string,
  changes: { metadata?: object; spec?: object } = {},
): Record<string, unknown> {
  return {
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: { name, labels: { app: 'pgwarden' }, ...changes.metadata },
    spec: {
      holderIdentity: 'pod-0/uid/nonce',
      leaseDurationSeconds: 10,
      leaseTransitions: 1,
      acquireTime: '2024-05-01T10:00:00.000001Z',
      renewTime: '2024-05-01T10:00:05.123456Z',
      ...changes.spec,
    },
  };
}

/** A pod that no scheduler takes. */
export function pod(name: string, spec: object = {}): Record<string, unknown> {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, labels: { app: 'pgwarden' } },
    spec: {
      schedulerName: 'nobody',
      automountServiceAccountToken: false,
      containers: [{ name: 'postgres', image: 'postgres:17' }],
      ...spec,
    },
  };
}

/** An Event as an agent reports it. */
export function event(changes: object = {}): Record<string, unknown> {
  return {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { generateName: 'generated.' },
    reason: 'Promoted',
    message: 'demo-0 became primary',
    type: 'Normal',
    firstTimestamp: '2024-05-01T10:00:00Z',
    lastTimestamp: '2024-05-01T12:00:00.75+02:00',
    count: 1,
    source: { component: 'pgwarden', host: 'node' },
    ...changes,
  };
}
