import type { Registry } from 'prom-client';
import { READ, type RouteSpec } from './route.ts';

/** How long a rendered scrape is given to others: a flood of scrapes costs one rendering per interval. */
const REUSE_MS = 250;

/**
 * The metrics of the registry in Prometheus's text format.
 *
 * @param refresh sets the gauges from the last observation; must not wait for anything
 * @param more metrics that are not in the registry, as text; nor does this wait
 */
export function metricsRoute(registry: Registry, refresh: () => void, more: () => string): RouteSpec {
  let rendered: Promise<string> | null = null;
  let renderedAt = Number.NEGATIVE_INFINITY;
  const render = (): Promise<string> => {
    const now = performance.now();
    if (rendered === null || now - renderedAt > REUSE_MS) {
      refresh();
      renderedAt = now;
      const beside = more();
      rendered = registry.metrics().then((own) => own + beside);
      rendered.catch(() => (rendered = null));
    }
    return rendered;
  };
  return {
    methods: READ,
    url: '/metrics',
    operation: 'metrics',
    summary: "Metrics in Prometheus's text format.",
    tag: 'metrics',
    access: 'open',
    answers: { 200: { description: 'The metrics.', contentType: 'text/plain' } },
    handle: async (_request, reply) => reply.type(registry.contentType).send(await render()),
  };
}
