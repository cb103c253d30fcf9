import { clientGone } from './client-gone.ts';
import type { AgentPort, ArchiveAnswer } from './ports.ts';
import type { RouteSpec } from './route.ts';

/** What a file that the archive lacks is told by: a 404 alone is what any program says that does not know the path. */
const ABSENT = { 'x-pgwarden-wal': 'absent' };

const PARAMS = {
  file: {
    type: 'string',
    pattern: '^[0-9A-F]{8}(\\.history|[0-9A-F]{16}(\\.partial|\\.[0-9A-F]{8}\\.backup)?)$',
    maxLength: 64,
    description: 'The name of the file, e.g. 000000010000000000000001.',
  },
};

const text = (description: string) => ({ description, contentType: 'text/plain' });

/** What archive_command and restore_command ask, over the Unix socket. */
export function archiveRoutes(port: AgentPort): RouteSpec[] {
  return [
    {
      ...route((file, gone) => port.archivePush(file, gone)),
      url: '/v1/archive/push/:file',
      operation: 'archive_push',
      summary: 'Archive a file of pg_wal: what archive_command asks. Answers when the store has it.',
      answers: {
        200: text('The archive has it.'),
        410: text('It does not, and Postgres stops: it is not to try again.'),
        503: text('It does not: why not.'),
      },
    },
    {
      ...route((file, gone) => port.archiveFetch(file, gone)),
      url: '/v1/archive/fetch/:file',
      operation: 'archive_fetch',
      summary:
        'Bring a file of WAL from the archive: what restore_command asks. Answers when it lies in the spool.',
      answers: {
        200: text('It lies in the spool.'),
        404: text('The archive has no such file, if the header x-pgwarden-wal says "absent".'),
        503: text('It cannot be brought now: why not.'),
      },
    },
  ];
}

function route(
  work: (file: string, gone: AbortSignal) => Promise<ArchiveAnswer>,
): Pick<RouteSpec, 'methods' | 'tag' | 'access' | 'params' | 'handle'> {
  return {
    methods: ['POST'],
    tag: 'control',
    access: 'change',
    params: PARAMS,
    handle: async (request, reply) => {
      const { file } = request.params as { readonly file: string };
      const answer = await work(file, clientGone(reply));
      if (answer.absent === true) reply.headers(ABSENT);
      return reply.code(answer.status).type('text/plain; charset=utf-8').send(answer.text);
    },
  };
}
