import type { BegunRun } from './backup-report.ts';
import { begunRunSchema } from './backup-report.ts';
import { flag, object, orNull, ref, text } from './json-schema.ts';
import type { Refusal } from './ports.ts';
import { Problem } from './problem.ts';
import type { AnswerSpec, RouteSpec } from './route.ts';
import { lsnSchema } from './schemas-common.ts';

/** A refusal, with the status that says of what kind. */
export interface Refused {
  readonly refused: Refusal;
  readonly status: 404 | 409 | 412 | 503;
}

/** What the routes of backups are given. */
export interface BackupPort {
  /**
   * `from`: a member, `standby` or `primary`; null: as configured. Forwarded to whom it falls to. `incremental`: only
   * what changed since the newest one, where that can be.
   */
  start(request: {
    readonly from: string | null;
    readonly incremental: boolean;
  }): Promise<BegunRun | Refused>;
  /**
   * On the primary: ends the segment of WAL that is being written, and makes a checkpoint behind it if that is wished.
   * A `ticket` names the wish: `lsn` is null while a checkpoint takes longer than a call may, and the same ticket asks
   * again.
   */
  switchWal(wish: {
    readonly ticket: string;
    readonly checkpoint: boolean;
  }): Promise<{ readonly lsn: string | null } | Refused>;
}

const REFUSALS: Readonly<Record<number, AnswerSpec>> = Object.fromEntries(
  [
    [404, 'There is no such member.'],
    [409, 'Another backup runs.'],
    [412, 'There is no archive, or the member is not fit.'],
    [503, 'The member or the store cannot be reached.'],
  ].map(([status, description]) => [status, { description, schema: ref('Problem') }]),
);

/** Taking base backups. Listing and deleting them is of the catalog. */
export function backupRoutes(port: BackupPort): RouteSpec[] {
  return [
    {
      methods: ['POST'],
      url: '/v1/backups',
      operation: 'take_backup',
      summary: 'Begins a base backup. How far it is, GET /v1/status of the member tells.',
      tag: 'control',
      access: 'change',
      body: object(
        {
          from: orNull(text('A member, `standby` or `primary`; null or absent: as configured.')),
          incremental: flag('Only what changed since the newest backup, where that can be.'),
        },
        ['from', 'incremental'],
      ),
      bodyOptional: true,
      answers: { 202: { description: 'It has begun.', schema: begunRunSchema }, ...REFUSALS },
      handle: async (request, reply) => {
        const { from = null, incremental = false } = (request.body ?? {}) as {
          readonly from?: string | null;
          readonly incremental?: boolean;
        };
        return reply.code(202).send(accepted(await port.start({ from, incremental })));
      },
    },
    {
      methods: ['POST'],
      url: '/v1/wal/switch',
      operation: 'switch_wal',
      summary: 'Ends the segment of WAL that the primary writes: what a backup of a standby asks of it.',
      tag: 'control',
      access: 'change',
      body: object({
        ticket: { ...text('Names this wish when it is asked for again.'), maxLength: 64 },
        checkpoint: flag('And makes a checkpoint behind it.'),
      }),
      answers: {
        200: {
          description: 'Where WAL ended then; null: the checkpoint takes longer, ask again.',
          schema: object({ lsn: orNull(lsnSchema) }),
        },
        ...REFUSALS,
      },
      handle: async (request) =>
        accepted(await port.switchWal(request.body as { ticket: string; checkpoint: boolean })),
    },
  ];
}

function accepted<T extends object>(result: T | Refused): T {
  if (!('refused' in result)) return result;
  const { code, message, remedy } = result.refused;
  throw new Problem(result.status, code, message, remedy);
}
