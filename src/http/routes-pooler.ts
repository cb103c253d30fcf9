import { flag, matching, object } from './json-schema.ts';
import type { AgentPort } from './ports.ts';
import type { RouteSpec } from './route.ts';

/**
 * Where poolers say that they are there, and hear when to hold their clients. Open, since they have no token: all that
 * anybody can do with it is to keep a planned end waiting for a second.
 */
export function poolerRoute(port: AgentPort): RouteSpec {
  return {
    methods: ['PUT'],
    url: '/v1/poolers/:pooler',
    operation: 'put_pooler',
    summary: 'A pooler is there: it is told when this primary is about to hand over.',
    tag: 'status',
    access: 'open',
    params: { pooler: matching(/^[A-Za-z0-9][-A-Za-z0-9._]*$/, 100, 'A name of its own, e.g. of its pod.') },
    body: object({ holds: flag('Its clients wait, and no transaction of theirs runs.') }),
    answers: {
      200: {
        description: 'Heard.',
        schema: object({ hold: flag('Let no new transaction begin: this primary is about to hand over.') }),
      },
    },
    handle: (request, reply) => {
      const { pooler } = request.params as { readonly pooler: string };
      const { holds } = request.body as { readonly holds: boolean };
      return reply.send({ hold: port.pooler(pooler, holds) });
    },
  };
}
