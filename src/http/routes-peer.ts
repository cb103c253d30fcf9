import type { HoldRequest, LeadRequest, PromiseRequest } from '../ha/peer.ts';
import type { Millis } from '../ha/units.ts';
import { clientGone } from './client-gone.ts';
import { ref } from './json-schema.ts';
import type { AgentPort } from './ports.ts';
import { Problem } from './problem.ts';
import { READ, type RouteSpec } from './route.ts';
import { holdRequestSchema, leadRequestSchema, promiseRequestSchema } from './schemas-peer.ts';

/**
 * What the members ask each other. A promise takes as long as ending the WAL receiver does; it is given up when the
 * candidate has gone away or after `promiseTimeout`.
 */
export function peerRoutes(port: AgentPort, promiseTimeout: Millis): RouteSpec[] {
  return [
    {
      methods: READ,
      url: '/peer/v1/state',
      operation: 'peer_state',
      summary: 'How this member is.',
      tag: 'peer',
      access: 'peer',
      answers: { 200: { description: 'Its state.', schema: ref('PeerState') } },
      handle: (_request, reply) =>
        reply.type('application/json; charset=utf-8').send(JSON.stringify(port.peerState())),
    },
    {
      methods: ['POST'],
      url: '/peer/v1/promise',
      operation: 'peer_promise',
      summary: 'Take part in no epoch below this one.',
      tag: 'peer',
      access: 'change',
      body: promiseRequestSchema,
      answers: {
        200: { description: 'Granted, or why not.', schema: ref('PromiseAnswer') },
        503: { description: 'It took too long.', schema: ref('Problem') },
      },
      handle: async (request, reply) => {
        const signal = AbortSignal.any([clientGone(reply), AbortSignal.timeout(promiseTimeout)]);
        return reply.send(await within(port.promise(request.body as PromiseRequest, signal), signal));
      },
    },
    {
      methods: ['POST'],
      url: '/peer/v1/lead',
      operation: 'peer_lead',
      summary: 'You are ahead: lead.',
      tag: 'peer',
      access: 'change',
      body: leadRequestSchema,
      answers: { 204: { description: 'Heard.' } },
      handle: (request, reply) => {
        port.lead(request.body as LeadRequest);
        return reply.code(204).send();
      },
    },
    {
      methods: ['POST'],
      url: '/peer/v1/hold',
      operation: 'peer_hold',
      summary: 'Do not acquire the Lease for so long.',
      tag: 'peer',
      access: 'change',
      body: holdRequestSchema,
      answers: { 200: { description: 'Granted or not.', schema: ref('HoldAnswer') } },
      handle: (request, reply) => reply.send(port.hold(request.body as HoldRequest)),
    },
  ];
}

/** The result, or 503 once the signal is aborted, whether the work heeds the signal or not. */
async function within<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const aborted = new Promise<never>((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
  try {
    return await Promise.race([work, aborted]);
  } catch (error) {
    if (!signal.aborted) throw error;
    const remedy = 'Ask again; the log of this member says what held it up.';
    throw new Problem(503, 'promise_timeout', 'the promise was not made in time', remedy);
  }
}
