import { anything, type JsonSchema, ref } from './json-schema.ts';
import type { AgentPort } from './ports.ts';
import { READ, type RouteSpec } from './route.ts';

/** What this member knows, as the ports say it. */
export function statusRoutes(port: AgentPort): RouteSpec[] {
  const routes: readonly [string, string, JsonSchema, () => unknown][] = [
    ['status', 'This member.', ref('MemberStatus'), () => port.status()],
    ['cluster', 'The whole cluster.', ref('ClusterStatus'), () => port.cluster()],
    ['history', 'The history of primaries.', ref('History'), () => port.history()],
    [
      'configuration',
      'The effective configuration without secrets.',
      anything('As in the configuration reference.'),
      () => port.configuration(),
    ],
  ];
  return routes.map(([name, summary, schema, body]) => ({
    methods: READ,
    url: `/v1/${name}`,
    operation: `get_${name}`,
    summary,
    tag: 'status',
    access: 'open',
    answers: { 200: { description: summary, schema } },
    handle: (_request, reply) => reply.type('application/json; charset=utf-8').send(JSON.stringify(body())),
  }));
}
