import {
  archiveOverviewSchema,
  type BegunJob,
  begunJobSchema,
  JOB_KINDS,
  type JobReport,
  type JobRequest,
  jobReportSchema,
} from './catalog-report.ts';
import { clientGone } from './client-gone.ts';
import { flag, list, object, oneOf, orNull, ref, text } from './json-schema.ts';
import { Problem } from './problem.ts';
import { type AnswerSpec, READ, type RouteSpec } from './route.ts';
import type { Refused } from './routes-backup.ts';

/** What the routes of the archive's catalogue are given. */
export interface CatalogPort {
  /** What the archive holds (`ArchiveOverview`), read now or a few seconds ago. */
  overview(gone: AbortSignal): Promise<object | Refused>;
  begin(request: JobRequest): Promise<BegunJob | Refused>;
  /** The newest of each kind that this member has run since its agent started. */
  jobs(): readonly JobReport[];
}

const REFUSALS: Readonly<Record<number, AnswerSpec>> = Object.fromEntries(
  [
    [404, 'There is no such backup or member.'],
    [409, 'Such a job runs.'],
    [412, 'There is no archive, or it may not be done.'],
    [503, 'The member or the store cannot be reached.'],
  ].map(([status, description]) => [status, { description, schema: ref('Problem') }]),
);

const name = { ...text(), maxLength: 128 };

/** Looking at backups, and the works that keep an archive in order. */
export function catalogRoutes(port: CatalogPort): RouteSpec[] {
  return [
    {
      methods: READ,
      url: '/v1/backups',
      operation: 'get_backups',
      summary: 'What the archive holds: backups, what can be restored, and holes.',
      tag: 'status',
      // It reads the store: not for everybody who comes by.
      access: 'peer',
      answers: { 200: { description: 'The catalogue.', schema: archiveOverviewSchema }, ...REFUSALS },
      handle: async (_request, reply) =>
        reply
          .type('application/json; charset=utf-8')
          .send(JSON.stringify(accepted(await port.overview(clientGone(reply))))),
    },
    {
      methods: READ,
      url: '/v1/jobs',
      operation: 'get_jobs',
      summary: 'Retention, verification, drills and deletions of this member: the newest of each.',
      tag: 'status',
      access: 'open',
      answers: { 200: { description: 'The jobs.', schema: list(jobReportSchema) } },
      handle: (_request, reply) =>
        reply.type('application/json; charset=utf-8').send(JSON.stringify(port.jobs())),
    },
    {
      methods: ['POST'],
      url: '/v1/jobs',
      operation: 'begin_job',
      summary: 'Begins retention, the deletion of a backup, a verification or a drill.',
      tag: 'control',
      access: 'change',
      body: object(
        {
          kind: oneOf(JOB_KINDS),
          dryRun: flag('Retention and deletion: only say what would go.'),
          backup: orNull(name),
          last: flag('Deletion: also of the last backup that can be restored.'),
          contents: flag('Verification: read every part of the backups.'),
          wal: flag('Verification: read every segment.'),
          on: orNull(name),
        },
        ['dryRun', 'backup', 'last', 'contents', 'wal', 'on'],
      ),
      answers: { 202: { description: 'It has begun.', schema: begunJobSchema }, ...REFUSALS },
      handle: async (request, reply) =>
        reply.code(202).send(accepted(await port.begin(requestOf(request.body as Body)))),
    },
  ];
}

interface Body {
  readonly kind: JobRequest['kind'];
  readonly dryRun?: boolean;
  readonly backup?: string | null;
  readonly last?: boolean;
  readonly contents?: boolean;
  readonly wal?: boolean;
  readonly on?: string | null;
}

function requestOf(body: Body): JobRequest {
  const { kind, dryRun = false, backup = null, last = false, contents = true, wal = false, on = null } = body;
  switch (kind) {
    case 'retention':
      return { kind, dryRun };
    case 'delete':
      if (backup === null)
        throw new Problem(400, 'no_backup', 'no backup is named', 'Name the one that is to be deleted.');
      return { kind, backup, dryRun, last };
    case 'verify':
      return { kind, backup, contents, wal };
    case 'drill':
      return { kind, backup, on };
  }
}

function accepted<T extends object>(result: T | Refused): T {
  if (!('refused' in result)) return result;
  const { refused, status } = result as Refused;
  throw new Problem(status, refused.code, refused.message, refused.remedy);
}
