import type { AgentPort } from './ports.ts';
import { CHECK, type RouteSpec } from './route.ts';

const PROBES = [
  ['/startupz', 'startup', 'Whether the agent has started.'],
  ['/readyz', 'ready', 'Whether clients can use this member.'],
  ['/livez', 'live', 'Whether the agent works; never fails for what a restart cannot mend.'],
] as const;

/** The three probes of Kubernetes: 200 or 503, and a sentence that says why. */
export function probeRoutes(port: AgentPort): RouteSpec[] {
  return PROBES.map(([url, kind, summary]) => ({
    methods: CHECK,
    url,
    operation: kind,
    summary,
    tag: 'probes',
    access: 'open',
    answers: {
      200: { description: 'Yes; the body says why.', contentType: 'text/plain' },
      503: { description: 'No; the body says why.', contentType: 'text/plain' },
    },
    handle: (_request, reply) => {
      const { ok, reason } = port.probe(kind);
      return reply
        .code(ok ? 200 : 503)
        .type('text/plain; charset=utf-8')
        .send(`${reason}\n`);
    },
  }));
}
