import type { FastifyReply } from 'fastify';
import type { MemberName } from '../ha/member.ts';
import { flag, type JsonSchema, object, orNull, ref, time } from './json-schema.ts';
import type { AgentPort, ControlResult } from './ports.ts';
import { Problem } from './problem.ts';
import type { AnswerSpec, Method, RouteSpec } from './route.ts';
import { memberNameSchema, memberOrAllSchema } from './schemas-common.ts';

interface Change {
  readonly method: Method;
  readonly url: string;
  readonly operation: string;
  readonly summary: string;
  readonly params?: Readonly<Record<string, JsonSchema>>;
  readonly body?: JsonSchema;
  readonly bodyOptional?: boolean;
  readonly run: (params: Params, body: Body) => Promise<ControlResult>;
}

/** What the schemas below have let through. */
interface Params {
  readonly member: MemberName;
}
interface Body {
  readonly target?: MemberName | null;
  readonly at?: string | null;
  readonly acceptDataLoss?: boolean;
  readonly onlyPending?: boolean;
}

const REFUSALS: Readonly<Record<number, AnswerSpec>> = Object.fromEntries(
  [
    [400, 'The request makes no sense.'],
    [404, 'There is no such member.'],
    [409, 'Not in the present state of the cluster.'],
    [412, 'A condition is not met.'],
    [503, 'The Kubernetes API or the member cannot be reached.'],
  ].map(([status, description]) => [status, { description, schema: ref('Problem') }]),
);

const MEMBER = { member: memberNameSchema };
const MEMBER_OR_ALL = { member: memberOrAllSchema };

/** Changing calls. 202: the wish is recorded; whether it happened is seen in `/v1/cluster` and `/v1/status`. */
export function controlRoutes({ control }: AgentPort): RouteSpec[] {
  const changes: readonly Change[] = [
    {
      method: 'POST',
      url: '/v1/switchover',
      operation: 'switchover',
      summary: 'Hands the primary over, now or later, to a standby.',
      body: object({ target: orNull(memberNameSchema), at: orNull(time('When; null or absent: now.')) }, [
        'target',
        'at',
      ]),
      bodyOptional: true,
      run: (_params, { target = null, at = null }) => control.switchover({ target, at }),
    },
    {
      method: 'DELETE',
      url: '/v1/switchover',
      operation: 'cancel_switchover',
      summary: 'Cancels a switchover that has not begun.',
      run: () => control.cancelSwitchover(),
    },
    {
      method: 'POST',
      url: '/v1/failover',
      operation: 'failover',
      summary: 'Makes a member the primary where no safe takeover is possible.',
      body: object({ target: memberNameSchema, acceptDataLoss: flag('Waives the proof of the quorum.') }, [
        'acceptDataLoss',
      ]),
      run: (_params, { target, acceptDataLoss = false }) =>
        control.failover({ target: target as MemberName, acceptDataLoss }),
    },
    {
      method: 'PUT',
      url: '/v1/fenced/:member',
      operation: 'fence',
      summary: 'Keeps the Postgres of a member (or of all) down.',
      params: MEMBER_OR_ALL,
      run: ({ member }) => control.fence(member),
    },
    {
      method: 'DELETE',
      url: '/v1/fenced/:member',
      operation: 'unfence',
      summary: 'Lifts a fence.',
      params: MEMBER_OR_ALL,
      run: ({ member }) => control.unfence(member),
    },
    {
      method: 'PUT',
      url: '/v1/paused',
      operation: 'pause',
      summary: 'Stops automatic role changes.',
      run: () => control.pause(),
    },
    {
      method: 'DELETE',
      url: '/v1/paused',
      operation: 'resume',
      summary: 'Lets automatic role changes happen again.',
      run: () => control.resume(),
    },
    {
      method: 'POST',
      url: '/v1/members/:member/restart',
      operation: 'restart',
      summary: 'Restarts the Postgres of a member.',
      params: MEMBER,
      body: object({ onlyPending: flag('Only where a setting waits for a restart.') }, ['onlyPending']),
      bodyOptional: true,
      run: ({ member }, { onlyPending = false }) => control.restart({ member, onlyPending }),
    },
    {
      method: 'POST',
      url: '/v1/members/:member/reload',
      operation: 'reload',
      summary: 'Reads the configuration of a member again.',
      params: MEMBER,
      run: ({ member }) => control.reload({ member }),
    },
    {
      method: 'POST',
      url: '/v1/members/:member/reinitialize',
      operation: 'reinitialize',
      summary: 'Clones a standby anew.',
      params: MEMBER,
      run: ({ member }) => control.reinitialize({ member }),
    },
  ];
  return changes.map(toRoute);
}

function toRoute({ method, run, ...change }: Change): RouteSpec {
  return {
    ...change,
    methods: [method],
    tag: 'control',
    access: 'change',
    answers: { 202: { description: 'Recorded.', schema: ref('Accepted') }, ...REFUSALS },
    handle: async (request, reply) =>
      answer(reply, await run(request.params as Params, (request.body ?? {}) as Body)),
  };
}

function answer(reply: FastifyReply, result: ControlResult): FastifyReply {
  if (result.accepted) return reply.code(202).send({ message: result.message });
  const { code, message, remedy } = result.refusal;
  throw new Problem(result.status, code, message, remedy);
}
