import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { Millis } from '../ha/units.ts';

/** The steps of a takeover, in order. `detect` is counted from the last sign of life of the old primary. */
export type TakeoverPhase = 'detect' | 'recruit' | 'win' | 'promote' | 'epoch_row' | 'settle' | 'open';

export interface RequestSample {
  readonly method: string;
  /** The route's pattern (`/v1/fenced/:member`), never the URL: label values must stay few. */
  readonly route: string;
  readonly status: number;
  readonly duration: Millis;
}

/** What the agent tells as it happens. Durations are in milliseconds and shown in seconds. */
export interface WorkMetrics {
  loopRan(duration: Millis): void;
  decided(kind: string): void;
  takeoverPhase(phase: TakeoverPhase, duration: Millis): void;
  /** A takeover or planned handover ended at this member. `total`: from the last sign of life to the open door. */
  takeoverEnded(outcome: 'won' | 'lost' | 'abandoned', cause: string, total: Millis): void;
  /** A call to the Kubernetes API. `code`: the HTTP status, or `timeout`, `unreachable`. */
  kubernetesCall(verb: string, resource: string, code: string, duration: Millis): void;
  peerCall(call: 'state' | 'promise' | 'lead' | 'hold', outcome: string, duration: Millis): void;
  httpRequest(request: RequestSample): void;
  httpConnections(open: number): void;
  /** A connection was refused or dropped: `limit`, `slow`, `pipelining`, `malformed`. */
  httpDropped(reason: string): void;
  /** pg_rewind, pg_basebackup and the like. */
  taskEnded(task: string, outcome: 'done' | 'failed', duration: Millis): void;
}

const FAST = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];
/** Requests that the agent answers from memory: few buckets, since there is a series for each route and status. */
const ANSWERS = [0.001, 0.01, 0.1, 1];
const TAKEOVER = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 0.75, 1, 1.5, 2, 3, 5, 10, 30, 60];
const TASK = [1, 5, 15, 60, 300, 900, 3600, 14_400, 86_400];

/** Counters and histograms of the agent's own work. */
export function workMetrics(registry: Registry): WorkMetrics {
  const registers = [registry];
  const counter = <L extends string>(name: string, help: string, labelNames: readonly L[]): Counter<L> =>
    new Counter({ name, help, labelNames, registers });
  const histogram = <L extends string>(
    name: string,
    help: string,
    labelNames: readonly L[],
    buckets: number[],
  ): Histogram<L> => new Histogram({ name, help, labelNames, buckets, registers });

  const loop = histogram(
    'pgwarden_loop_duration_seconds',
    'Time of one turn of the observe, decide, act loop.',
    [],
    FAST,
  );
  const iterations = counter('pgwarden_loop_iterations_total', 'Turns of the observe, decide, act loop.', []);
  const decisions = counter('pgwarden_decisions_total', 'Decisions by kind.', ['kind']);
  const takeovers = counter(
    'pgwarden_takeovers_total',
    'Takeovers that this member tried, by outcome and cause.',
    ['outcome', 'cause'],
  );
  const takeover = histogram(
    'pgwarden_takeover_duration_seconds',
    'Won takeovers: from the last sign of life of the old primary to the open door.',
    [],
    TAKEOVER,
  );
  const phases = histogram(
    'pgwarden_takeover_phase_duration_seconds',
    'Duration of each phase of a takeover.',
    ['phase'],
    TAKEOVER,
  );
  const kubernetes = histogram(
    'pgwarden_kubernetes_request_duration_seconds',
    'Requests to the Kubernetes API (its _count is the number of requests).',
    ['verb', 'resource', 'code'],
    FAST,
  );
  const peers = histogram(
    'pgwarden_peer_request_duration_seconds',
    'Calls to the other members by outcome: answered, refused, fault or silent.',
    ['call', 'outcome'],
    FAST,
  );
  const http = histogram(
    'pgwarden_http_request_duration_seconds',
    "Requests that the agent's HTTP server answered.",
    ['method', 'route', 'code'],
    ANSWERS,
  );
  const dropped = counter('pgwarden_http_dropped_total', 'Connections that the HTTP server refused or cut.', [
    'reason',
  ]);
  const connections = new Gauge({
    name: 'pgwarden_http_connections',
    help: 'Open connections to the HTTP server.',
    registers,
  });
  const tasks = histogram(
    'pgwarden_task_duration_seconds',
    'Long work: initdb, clone, rewind and the like.',
    ['task', 'outcome'],
    TASK,
  );

  return {
    loopRan(duration) {
      iterations.inc();
      loop.observe(duration / 1000);
    },
    decided: (kind) => decisions.inc({ kind }),
    takeoverPhase: (phase, duration) => phases.observe({ phase }, duration / 1000),
    takeoverEnded(outcome, cause, total) {
      takeovers.inc({ outcome, cause });
      if (outcome === 'won') takeover.observe(total / 1000);
    },
    kubernetesCall: (verb, resource, code, duration) =>
      kubernetes.observe({ verb, resource, code }, duration / 1000),
    peerCall: (call, outcome, duration) => peers.observe({ call, outcome }, duration / 1000),
    httpRequest: ({ method, route, status, duration }) =>
      http.observe({ method, route, code: String(status) }, duration / 1000),
    httpConnections: (open) => connections.set(open),
    httpDropped: (reason) => dropped.inc({ reason }),
    taskEnded: (task, outcome, duration) => tasks.observe({ task, outcome }, duration / 1000),
  };
}
