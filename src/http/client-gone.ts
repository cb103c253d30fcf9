import type { FastifyReply } from 'fastify';

/** Aborted when the connection closes before the answer is written. */
export function clientGone(reply: FastifyReply): AbortSignal {
  const controller = new AbortController();
  reply.raw.once('close', () => {
    if (!reply.raw.writableFinished) controller.abort(new Error('the client has gone away'));
  });
  return controller.signal;
}
