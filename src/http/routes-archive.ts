import { clientGone } from './client-gone.ts';
import type { AgentPort } from './ports.ts';
import type { RouteSpec } from './route.ts';

/** What archive_command asks, over the Unix socket. */
export function archiveRoutes(port: AgentPort): RouteSpec[] {
  return [
    {
      methods: ['POST'],
      url: '/v1/archive/push/:file',
      operation: 'archive_push',
      summary: 'Archive a file of pg_wal: what archive_command asks. Answers when the store has it.',
      tag: 'control',
      access: 'change',
      params: {
        file: {
          type: 'string',
          pattern: '^[0-9A-F]{8}(\\.history|[0-9A-F]{16}(\\.partial|\\.[0-9A-F]{8}\\.backup)?)$',
          maxLength: 64,
          description: 'The name of the file, e.g. 000000010000000000000001.',
        },
      },
      answers: {
        200: { description: 'The archive has it.', contentType: 'text/plain' },
        410: {
          description: 'It does not, and Postgres stops: it is not to try again.',
          contentType: 'text/plain',
        },
        503: { description: 'It does not: why not.', contentType: 'text/plain' },
      },
      handle: async (request, reply) => {
        const { file } = request.params as { readonly file: string };
        const { status, text } = await port.archivePush(file, clientGone(reply));
        return reply.code(status).type('text/plain; charset=utf-8').send(text);
      },
    },
  ];
}
