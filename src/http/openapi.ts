import { type JsonSchema, ref } from './json-schema.ts';
import type { RouteSpec } from './route.ts';
import { acceptedSchema, problemSchema } from './schemas-common.ts';
import { holdAnswerSchema, peerStateSchema, promiseAnswerSchema } from './schemas-peer.ts';
import { clusterStatusSchema, historySchema, memberStatusSchema, progressSchema } from './schemas-status.ts';

const TAGS = [
  { name: 'probes', description: 'For Kubernetes.' },
  { name: 'patroni', description: 'For load balancers and monitoring made for Patroni 4.' },
  { name: 'metrics', description: 'For Prometheus.' },
  { name: 'status', description: 'What this member knows.' },
  { name: 'control', description: 'Changing calls.' },
  { name: 'peer', description: 'What the members ask each other; not for other clients.' },
];

/** Refusals that any route with this need can answer with. */
const COMMON = {
  access: { 401: 'No valid token.', 403: 'Not allowed over this connection.' },
  body: { 400: 'Not JSON.', 413: 'The body is over 16 KiB.', 415: 'The body is not JSON.' },
  input: { 422: 'A field is not valid.' },
};

/** The OpenAPI 3.1 document of these routes. `version` is the version of pgwarden. */
export function openApiDocument(routes: readonly RouteSpec[], version: string): Record<string, unknown> {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const route of routes) {
    const path = route.url.replaceAll(/:(\w+)/g, '{$1}');
    paths[path] ??= {};
    for (const method of route.methods) paths[path][method.toLowerCase()] = operation(route, method);
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'pgwarden agent',
      version,
      description: 'Probes, metrics, status, control and the peer protocol of one member.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    tags: TAGS,
    paths,
    components: {
      securitySchemes: {
        token: { type: 'http', scheme: 'bearer', description: "Over TCP; not over the agent's Unix socket." },
      },
      schemas: {
        Problem: problemSchema,
        Accepted: acceptedSchema,
        Progress: progressSchema,
        MemberStatus: memberStatusSchema,
        ClusterStatus: clusterStatusSchema,
        History: historySchema,
        PeerState: peerStateSchema,
        PromiseAnswer: promiseAnswerSchema,
        HoldAnswer: holdAnswerSchema,
      },
    },
  };
}

function operation(route: RouteSpec, method: string): Record<string, unknown> {
  const parameters = [
    ...Object.entries(route.params ?? {}).map(([name, schema]) => parameter(name, 'path', schema)),
    ...Object.entries(route.query ?? {}).map(([name, schema]) => parameter(name, 'query', schema)),
  ];
  return {
    operationId: method === route.methods[0] ? route.operation : `${route.operation}_${method.toLowerCase()}`,
    summary: route.summary,
    tags: [route.tag],
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(route.body === undefined
      ? {}
      : {
          requestBody: {
            required: route.bodyOptional !== true,
            content: { 'application/json': { schema: route.body } },
          },
        }),
    responses: responses(route, method),
    security: route.access === 'open' ? [] : [{ token: [] }],
  };
}

function parameter(name: string, where: 'path' | 'query', schema: JsonSchema): Record<string, unknown> {
  const { description, ...rest } = schema;
  return {
    name,
    in: where,
    required: where === 'path',
    ...(description === undefined ? {} : { description }),
    schema: where === 'query' ? { type: 'string', ...rest } : rest,
  };
}

function responses(route: RouteSpec, method: string): Record<string, unknown> {
  const refusals = {
    ...(route.access === 'open' ? {} : COMMON.access),
    ...(route.body === undefined ? {} : COMMON.body),
    ...(route.body === undefined && route.params === undefined ? {} : COMMON.input),
  };
  const answers: Record<string, unknown> = {};
  for (const [status, description] of Object.entries(refusals)) {
    answers[status] = { description, content: { 'application/json': { schema: ref('Problem') } } };
  }
  for (const [status, { description, schema, contentType }] of Object.entries(route.answers)) {
    const media = contentType ?? 'application/json';
    const body = schema ?? (contentType === undefined ? null : { type: 'string' });
    const withBody = body !== null && (method === 'GET' || method === route.methods[0]);
    answers[status] = { description, ...(withBody ? { content: { [media]: { schema: body } } } : {}) };
  }
  return answers;
}
