import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { type Millis, millis } from '../ha/units.ts';
import { type AccessPolicy, authorize } from './access.ts';
import type { HttpLog } from './http-log.ts';
import type { RequestSample } from './metrics-work.ts';
import { openApiDocument } from './openapi.ts';
import type { AgentPort } from './ports.ts';
import { methodNotAllowed, notFound, Problem, problemOf } from './problem.ts';
import { type Access, READ, type RouteSpec } from './route.ts';
import { archiveRoutes } from './routes-archive.ts';
import { backupRoutes } from './routes-backup.ts';
import { catalogRoutes } from './routes-catalog.ts';
import { controlRoutes } from './routes-control.ts';
import { metricsRoute } from './routes-metrics.ts';
import { patroniRoutes } from './routes-patroni.ts';
import { peerRoutes } from './routes-peer.ts';
import { poolerRoute } from './routes-pooler.ts';
import { probeRoutes } from './routes-probe.ts';
import { recoveryRoutes } from './routes-recovery.ts';
import { statusRoutes } from './routes-status.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    access?: Access;
    bodyOptional?: boolean;
  }
}

/** The largest body of a request. */
export const BODY_LIMIT = 16 * 1024;

export interface AppOptions {
  readonly policy: AccessPolicy;
  readonly promiseTimeout: Millis;
  readonly refreshMetrics: () => void;
  /** Metrics that are not in the registry, in Prometheus's text format. */
  readonly moreMetrics?: () => string;
  readonly onRequest: (sample: RequestSample) => void;
  readonly log: HttpLog;
}

/** Every route of the agent, the OpenAPI document of them included. */
export function agentRoutes(port: AgentPort, options: AppOptions): RouteSpec[] {
  const routes = [
    ...probeRoutes(port),
    ...patroniRoutes(port),
    metricsRoute(port.registry, options.refreshMetrics, options.moreMetrics ?? (() => '')),
    ...statusRoutes(port),
    ...controlRoutes(port),
    ...archiveRoutes(port),
    ...recoveryRoutes(port.recovery),
    ...backupRoutes(port.backups),
    ...catalogRoutes(port.catalog),
    ...peerRoutes(port, options.promiseTimeout),
    poolerRoute(port),
  ];
  let document: string | null = null;
  const openapi: RouteSpec = {
    methods: READ,
    url: '/openapi.json',
    operation: 'openapi',
    summary: 'This document.',
    tag: 'status',
    access: 'open',
    answers: { 200: { description: 'An OpenAPI 3.1 document.', schema: { type: 'object' } } },
    handle: (_request, reply) => {
      document ??= JSON.stringify(openApiDocument(routes, port.status().version));
      return reply.type('application/json; charset=utf-8').send(document);
    },
  };
  routes.push(openapi);
  return routes;
}

/** The routes as a fastify application. It listens nowhere: `app.routing` is given to the listeners. */
export function createApp(port: AgentPort, options: AppOptions): FastifyInstance {
  const app = fastify({
    bodyLimit: BODY_LIMIT,
    exposeHeadRoutes: false,
    routerOptions: { maxParamLength: 128, ignoreTrailingSlash: false },
    // What a client sends is taken as it is, or refused: nothing is dropped, and no "1" becomes true.
    ajv: {
      customOptions: { removeAdditional: false, coerceTypes: false, allErrors: false, useDefaults: false },
    },
    frameworkErrors: (error, request, reply) => answerError(error, request, reply, options.log),
    return503OnClosing: false,
  });
  app.removeContentTypeParser('text/plain');
  addHooks(app, options);
  const routes = agentRoutes(port, options);
  for (const route of routes) register(app, route);
  app.setErrorHandler((error: Error, request, reply) => answerError(error, request, reply, options.log));
  const patterns = routes.map(({ url, methods }) => ({ pattern: pathPattern(url), methods }));
  app.setNotFoundHandler((request, reply) => {
    const path = request.url.split('?', 1)[0] ?? '/';
    const allowed = patterns.filter(({ pattern }) => pattern.test(path)).flatMap(({ methods }) => methods);
    if (allowed.length === 0) throw notFound(request.method, path.slice(0, 200));
    reply.header('allow', allowed.join(', '));
    throw methodNotAllowed(request.method, path, allowed);
  });
  return app;
}

/** By callback, not async: each of them runs for every ping of every peer. */
function addHooks(app: FastifyInstance, options: AppOptions): void {
  app.addHook('onRequest', (request, _reply, done) => {
    authorize(options.policy, request.routeOptions.config?.access ?? 'open', request);
    done();
  });
  app.addHook('preValidation', (request, _reply, done) => {
    if (request.body === undefined && request.routeOptions.config.bodyOptional === true) request.body = {};
    done();
  });
  app.addHook('onResponse', (request, reply, done) => {
    const route = request.routeOptions.url;
    options.onRequest({
      // Methods of requests to nowhere are up to the client: they must not make series.
      method: route === undefined ? 'any' : request.method,
      route: route ?? 'none',
      status: reply.statusCode,
      duration: millis(reply.elapsedTime),
    });
    done();
  });
}

function register(app: FastifyInstance, route: RouteSpec): void {
  app.route({
    method: [...route.methods],
    url: route.url,
    schema: {
      ...(route.params === undefined ? {} : { params: { type: 'object', properties: route.params } }),
      ...(route.body === undefined ? {} : { body: route.body }),
    },
    config: { access: route.access, bodyOptional: route.bodyOptional === true },
    handler: route.handle,
  });
}

function pathPattern(url: string): RegExp {
  return new RegExp(`^${url.replaceAll('.', '\\.').replaceAll(/:\w+/g, '[^/]+')}$`);
}

function answerError(error: Error, request: FastifyRequest, reply: FastifyReply, log: HttpLog): void {
  let problem = problemOf(error);
  if (problem === null) {
    log('error', 'http.route.failed', { method: request.method, url: request.url.slice(0, 200), error });
    problem = new Problem(
      500,
      'internal',
      'the agent failed to answer',
      'See the log of this member, and report it.',
    );
  }
  if (problem.status === 401) reply.header('www-authenticate', 'Bearer realm="pgwarden"');
  // Node reads the rest of a refused body away, so that the client gets to read the answer; not an endless one.
  if (request.body === undefined && !isBounded(request)) reply.header('connection', 'close');
  reply.code(problem.status).type('application/json; charset=utf-8').send(JSON.stringify(problem.body));
}

/** Whether what is left of the body, if anything, is known to be within the limit. */
function isBounded({ headers }: FastifyRequest): boolean {
  return headers['transfer-encoding'] === undefined && Number(headers['content-length'] ?? 0) <= BODY_LIMIT;
}
