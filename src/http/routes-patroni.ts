import type { FastifyReply, FastifyRequest } from 'fastify';
import type { JsonSchema } from './json-schema.ts';
import { patroniCluster, patroniHistory, patroniStatus } from './patroni-body.ts';
import { isReady, PATRONI_CHECKS, type PatroniQuery, passes } from './patroni-check.ts';
import type { AgentPort } from './ports.ts';
import { CHECK, type RouteSpec } from './route.ts';

const LAG: JsonSchema = { description: 'The greatest lag that counts as yes, e.g. 1048576, 16kB, 10MB.' };
const REPLICATION_STATE: JsonSchema = {
  description: 'The replication state that counts as yes, e.g. streaming.',
};
const MODE: JsonSchema = { description: '`apply` (default): lag of replay; `write`: lag of reception.' };
const FREE: JsonSchema = { type: 'object' };
const LIST: JsonSchema = { type: 'array' };

/** The REST API of Patroni that load balancers and monitoring read, with the same codes and bodies. */
export function patroniRoutes(port: AgentPort): RouteSpec[] {
  return [...checks(port), liveness(port), readiness(port), ...bodies(port)];
}

function checks(port: AgentPort): RouteSpec[] {
  return Object.entries(PATRONI_CHECKS).map(([url, check]) => ({
    methods: CHECK,
    url,
    operation: `patroni_${url.slice(1).replaceAll('_', '__').replaceAll('-', '_') || 'root'}`,
    summary: `Health check of Patroni: ${check}.`,
    tag: 'patroni',
    access: 'open',
    query: { lag: LAG, replication_state: REPLICATION_STATE },
    answers: {
      200: { description: 'Yes.', schema: FREE },
      503: { description: 'No.', schema: FREE },
    },
    handle: (request, reply) => {
      const status = port.status();
      const code = passes(check, status, query(request)) ? 200 : 503;
      return request.method === 'GET'
        ? reply.code(code).send(patroniStatus(status))
        : statusOnly(reply, code);
    },
  }));
}

function liveness(port: AgentPort): RouteSpec {
  return {
    methods: CHECK,
    url: '/liveness',
    operation: 'patroni_liveness',
    summary: "Patroni's liveness probe: only a status.",
    tag: 'patroni',
    access: 'open',
    answers: { 200: { description: 'The agent works.' }, 503: { description: 'It does not.' } },
    handle: (_request, reply) => statusOnly(reply, port.probe('live').ok ? 200 : 503),
  };
}

function readiness(port: AgentPort): RouteSpec {
  return {
    methods: CHECK,
    url: '/readiness',
    operation: 'patroni_readiness',
    summary: "Patroni's readiness probe: only a status.",
    tag: 'patroni',
    access: 'open',
    query: { lag: LAG, mode: MODE },
    answers: {
      200: { description: 'The primary, or a standby that streams within the lag.' },
      503: { description: 'Neither.' },
    },
    handle: (request, reply) => statusOnly(reply, isReady(port.status(), query(request)) ? 200 : 503),
  };
}

function bodies(port: AgentPort): RouteSpec[] {
  const routes: readonly [string, string, JsonSchema, () => unknown][] = [
    ['/patroni', 'Status of this member.', FREE, () => patroniStatus(port.status())],
    ['/cluster', 'Members of the cluster.', FREE, () => patroniCluster(port.cluster())],
    ['/history', 'Changes of the timeline.', LIST, () => patroniHistory(port.history())],
  ];
  return routes.map(([url, summary, schema, body]) => ({
    methods: CHECK,
    url,
    operation: `patroni_${url.slice(1)}_body`,
    summary: `Body of Patroni: ${summary}`,
    tag: 'patroni',
    access: 'open',
    answers: { 200: { description: summary, schema } },
    handle: (request, reply) => (request.method === 'GET' ? reply.send(body()) : statusOnly(reply, 200)),
  }));
}

function query(request: FastifyRequest): PatroniQuery {
  return request.query as PatroniQuery;
}

function statusOnly(reply: FastifyReply, code: number): FastifyReply {
  return reply.code(code).send();
}
