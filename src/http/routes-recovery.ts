import type { RecoveryGoal } from '../ha/record.ts';
import { flag, object, oneOf, orNull, ref, text } from './json-schema.ts';
import type { ControlResult } from './ports.ts';
import { Problem } from './problem.ts';
import type { AnswerSpec, RouteSpec } from './route.ts';

/** What somebody wants the whole cluster taken back to. */
export interface RecoveryRequest {
  readonly goal: RecoveryGoal;
  /** `latest`, `current` (the backup's), or its number. */
  readonly timeline: string;
  /** Null: the newest from which the goal is reached. */
  readonly backup: string | null;
  /** To stand still at the goal, so that somebody can look. */
  readonly pause: boolean;
}

/** What the routes of a recovery in place are given. */
export interface RecoveryPort {
  /** Plans it and writes it into the cluster record. Forwarded to the primary, which carries it on. */
  begin(request: RecoveryRequest): Promise<ControlResult>;
  /** From a pause to the promotion; with a goal, to that one, to pause there. */
  resume(goal: RecoveryGoal | null): Promise<ControlResult>;
  confirm(): Promise<ControlResult>;
  abandon(): Promise<ControlResult>;
}

const REFUSALS: Readonly<Record<number, AnswerSpec>> = Object.fromEntries(
  [
    [400, 'The target makes no sense.'],
    [404, 'There is no recovery.'],
    [409, 'There is another one, or it is not in the state for that.'],
    [412, 'The target is out of reach, or a condition is not met.'],
    [503, 'The Kubernetes API, a member or the archive cannot be reached.'],
  ].map(([status, description]) => [status, { description, schema: ref('Problem') }]),
);

const goal = object(
  {
    kind: oneOf(['latest', 'immediate', 'time', 'lsn', 'xid', 'name']),
    value: { ...text('The time, LSN, transaction or name; empty for the others.'), maxLength: 100 },
    exclusive: flag('To just before it.'),
  },
  ['value', 'exclusive'],
);

/** The recovery of a whole cluster in place. How far it is, `GET /v1/cluster` and `GET /v1/status` tell. */
export function recoveryRoutes(port: RecoveryPort): RouteSpec[] {
  const change = {
    tag: 'control',
    access: 'change',
    answers: { 202: { description: 'Recorded.', schema: ref('Accepted') }, ...REFUSALS },
  } as const;
  return [
    {
      ...change,
      methods: ['POST'],
      url: '/v1/recovery',
      operation: 'recover',
      summary: 'Takes the whole cluster back to a point of its own archive.',
      body: object(
        {
          goal,
          timeline: { ...text('latest, current (that of the backup), or its number.'), maxLength: 10 },
          backup: orNull({ ...text('Null or absent: the newest that reaches it.'), maxLength: 200 }),
          pause: flag('To stand still at the goal, read-only, until it is resumed.'),
        },
        ['timeline', 'backup', 'pause'],
      ),
      handle: async (request, reply) => {
        const body = request.body as Body;
        const { timeline = 'latest', backup = null, pause = false } = body;
        const asked = { goal: goalIn(body.goal), timeline, backup, pause };
        return reply.code(202).send(accepted(await port.begin(asked)));
      },
    },
    {
      ...change,
      methods: ['POST'],
      url: '/v1/recovery/resume',
      operation: 'resume_recovery',
      summary: 'Ends the pause of a recovery: it is promoted or, with a goal, goes on to pause there.',
      body: object({ goal: orNull(goal) }, ['goal']),
      handle: async (request, reply) => {
        const { goal: further = null } = request.body as { readonly goal?: Body['goal'] | null };
        return reply.code(202).send(accepted(await port.resume(further === null ? null : goalIn(further))));
      },
    },
    {
      ...change,
      methods: ['POST'],
      url: '/v1/recovery/confirm',
      operation: 'confirm_recovery',
      summary: 'Keeps what was recovered: the data of before goes, and archiving begins again.',
      handle: async (_request, reply) => reply.code(202).send(accepted(await port.confirm())),
    },
    {
      ...change,
      methods: ['DELETE'],
      url: '/v1/recovery',
      operation: 'abandon_recovery',
      summary: 'Brings the data of before back: what was written since the recovery goes.',
      handle: async (_request, reply) => reply.code(202).send(accepted(await port.abandon())),
    },
  ];
}

interface Body {
  readonly goal: Partial<RecoveryGoal> & Pick<RecoveryGoal, 'kind'>;
  readonly timeline?: string;
  readonly backup?: string | null;
  readonly pause?: boolean;
}

function goalIn({ kind, value = '', exclusive = false }: Body['goal']): RecoveryGoal {
  return { kind, value, exclusive };
}

function accepted(result: ControlResult): { readonly message: string } {
  if (result.accepted) return { message: result.message };
  const { code, message, remedy } = result.refusal;
  throw new Problem(result.status, code, message, remedy);
}
