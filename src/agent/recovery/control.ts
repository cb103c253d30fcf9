import { randomBytes } from 'node:crypto';
import { type MemberName, memberOf } from '../../ha/member.ts';
import type { ClusterRecord, RecoveryGoal, RecoveryOperation } from '../../ha/record.ts';
import {
  abandonRecovery,
  beginRecovery,
  confirmRecovery,
  isSameGoal,
  resumeRecovery,
} from '../../ha/recovery.ts';
import { elapsed, millis } from '../../ha/units.ts';
import type { View } from '../../ha/view.ts';
import type { ControlResult } from '../../http/ports.ts';
import type { RecoveryPort, RecoveryRequest } from '../../http/routes-recovery.ts';
import { failureOf } from '../backup/errors.ts';
import type { Context } from '../context.ts';
import type { PlanParts } from './plan.ts';
import { goalText } from './report.ts';

export interface RecoveryControlDeps extends PlanParts {
  readonly context: Context;
  view(): View | null;
  /** Sends a call on to another member's agent. */
  forward(member: MemberName, path: string, body: unknown): Promise<ControlResult>;
}

/** Milliseconds. The plan reads the archive; whoever asked waits half a minute at most. */
const PLAN = 25_000;
const WRITE = 5_000;
/** A member that has not answered for so long might never set its data aside. */
const ANSWERS = 3_000;

type Refusal = Extract<ControlResult, { readonly accepted: false }>;

function refused(status: Refusal['status'], code: string, message: string, remedy: string): Refusal {
  return { accepted: false, status, refusal: { code, message, remedy } };
}

/** What people do with a recovery in place: each call writes the cluster record once, and the members obey it. */
export class RecoveryControl implements RecoveryPort {
  readonly #deps: RecoveryControlDeps;

  constructor(deps: RecoveryControlDeps) {
    this.#deps = deps;
  }

  async begin(request: RecoveryRequest): Promise<ControlResult> {
    const { context, configuration } = this.#deps;
    const view = this.#deps.view();
    const record = view?.record.current?.record ?? null;
    if (view === null || record === null) return unknownRecord();
    if (configuration.archive.url === null)
      return refused(
        412,
        'NO_ARCHIVE',
        'this cluster has no archive to recover from',
        'Set archive.url; only what is archived from then on can be recovered to.',
      );
    const obstacle = inTheWay(view, record);
    if (obstacle !== null) return obstacle;
    const primary = record.primary === null ? null : memberOf(record.primary);
    if (primary !== null && primary !== context.self)
      return await this.#deps.forward(primary, '/v1/recovery', request);
    const serves = view.local.state === 'primary' && record.settled.epoch === record.epoch;
    if (primary === null || !serves)
      return refused(
        412,
        'NO_PRIMARY',
        'there is no primary that serves, which would carry the recovery on',
        'Bring one about first ("pgwarden status"), or begin a new cluster out of the archive (bootstrap.recovery).',
      );
    const silent = silentMember(view);
    if (silent !== null) return silent;
    if (request.pause && request.goal.kind === 'latest')
      return refused(
        400,
        'RECOVERY_TARGET',
        'there is no target to pause at',
        'Name one: a time, an LSN, a transaction, a restore point, or the end of the backup.',
      );
    let planned: Awaited<ReturnType<typeof import('./plan.ts').planRecovery>>;
    try {
      const { planRecovery } = await import('./plan.ts');
      planned = await planRecovery(this.#deps, record, request, AbortSignal.timeout(PLAN));
    } catch (error) {
      return planFailed(error);
    }
    const { plan, target } = planned;
    const id = randomBytes(4).toString('hex');
    const operation = {
      id,
      goal: request.goal,
      timeline: plan.timeline,
      backup: plan.backup.id,
      by: context.self,
      at: new Date().toISOString(),
      pauses: request.pause,
    };
    return await this.#change(
      `recovery ${id}: the cluster goes back to ${target}, out of ${plan.backup.id}`,
      (now) => {
        if (now.epoch !== record.epoch || now.primary !== record.primary)
          return refused(409, 'RECORD_MOVED', 'the primary changed meanwhile', 'Try again.');
        const another = inTheWay(view, now);
        return another ?? beginRecovery(now, operation);
      },
    );
  }

  async resume(goal: RecoveryGoal | null): Promise<ControlResult> {
    const record = this.#deps.view()?.record.current?.record ?? null;
    if (record === null) return unknownRecord();
    const { recovery } = record;
    if (recovery === undefined) return noRecovery();
    if (goal !== null) {
      try {
        const { planFurther } = await import('./plan.ts');
        await planFurther(this.#deps, recovery, goal, AbortSignal.timeout(PLAN));
      } catch (error) {
        return planFailed(error);
      }
    }
    return await this.#change(
      goal === null
        ? 'the recovery goes on: it is promoted'
        : `the recovery goes on to ${goalText(goal)}, and pauses there`,
      (now) => {
        const operation = now.recovery;
        if (operation === undefined) return noRecovery();
        const { id, state, pauses } = operation;
        if (id !== recovery.id || !isSameGoal(operation.goal, recovery.goal))
          return refused(
            409,
            'RECORD_MOVED',
            'somebody else has resumed it meanwhile',
            'Look, and ask again.',
          );
        if (pauses && (state === 'stopping' || state === 'recovering'))
          return resumeRecovery(now, operation, goal);
        return refused(
          409,
          'RECOVERY_NOT_PAUSED',
          `recovery ${id} is ${state}, and does not pause${state === 'recovering' ? ' at its target' : ''}`,
          'Look at what it says ("pgwarden status").',
        );
      },
    );
  }

  confirm(): Promise<ControlResult> {
    return this.#change('the recovery is confirmed: what was set aside is removed', (record) => {
      const { recovery } = record;
      if (recovery === undefined) return noRecovery();
      if (recovery.state === 'serving' && record.settled.epoch === record.epoch)
        return confirmRecovery(record, recovery);
      return refused(
        409,
        'RECOVERY_NOT_DONE',
        `recovery ${recovery.id} is ${recovery.state}: there is nothing to confirm yet`,
        'Wait until it serves ("pgwarden status"), or run "pgwarden recover --abandon".',
      );
    });
  }

  abandon(): Promise<ControlResult> {
    const { self } = this.#deps.context;
    return this.#change('the recovery is abandoned: what was set aside comes back', (record) => {
      const { recovery } = record;
      if (recovery === undefined) return noRecovery();
      return recovery.state === 'abandoning' ? null : abandonRecovery(record, recovery, self);
    });
  }

  /** One compare-and-swap; a conflict is judged anew. Null: nothing is to be changed. */
  async #change(
    message: string,
    mutate: (record: ClusterRecord) => ClusterRecord | Refusal | null,
  ): Promise<ControlResult> {
    const { context } = this.#deps;
    const api = context.api();
    if (api === null) return unreachable('the API client is not ready yet');
    for (let attempt = 0; attempt < 5; attempt++) {
      let refusal: Refusal | null = null;
      const result = await api.writer.swap((record) => {
        const next = mutate(record);
        refusal = next !== null && 'refusal' in next ? next : null;
        return next === null || 'refusal' in next ? null : next;
      }, millis(WRITE));
      if (refusal !== null) return refusal;
      switch (result.outcome) {
        case 'swapped':
          context.tracker.onSwapped(result.current);
          context.peers.nudge();
          context.log.info({ event: 'recovery.asked' }, message);
          return { accepted: true, message };
        case 'declined':
          return { accepted: true, message: 'nothing to change' };
        case 'unknown':
          return unreachable(result.error.message);
        case 'conflict':
          continue;
      }
    }
    return refused(409, 'RECORD_BUSY', 'the cluster record kept changing', 'Try again.');
  }
}

/** What cannot be planned is refused with the reason; a target that makes no sense is the caller's own fault. */
function planFailed(error: unknown): Refusal {
  const { code, message, remedy } = failureOf(error);
  return refused(code === 'RECOVERY_TARGET' ? 400 : 412, code, message, remedy);
}

/** What a person must settle first. */
function inTheWay(view: View, record: ClusterRecord): Refusal | null {
  const { recovery } = record;
  if (recovery !== undefined) return another(recovery);
  const { kept } = view.local;
  if (kept !== null && kept.phase !== 'back' && record.confirmed !== kept.id)
    return refused(
      409,
      'RECOVERY_LEFT_OVER',
      `${view.self} still keeps data of the recovery ${kept.id}`,
      `Remove kept/${kept.id} and member/kept.json from its volume once nobody needs them.`,
    );
  if (record.fenced.length > 0)
    return refused(
      412,
      'FENCED',
      `fenced: ${record.fenced.join(', ')}. A fenced member could not begin again`,
      'Run "pgwarden unfence" first.',
    );
  return null;
}

function another({ id, state }: RecoveryOperation): Refusal {
  return refused(
    409,
    'RECOVERY_UNDER_WAY',
    `recovery ${id} is ${state}, and there is one at a time`,
    'Run "pgwarden recover --confirm" or "pgwarden recover --abandon" first.',
  );
}

/** A member that does not answer would keep the whole cluster down: it is not begun. */
function silentMember(view: View): Refusal | null {
  for (const member of view.settings.expectedMembers) {
    if (member === view.self) continue;
    const peer = view.peers.find((one) => one.member === member);
    if (peer?.state == null || elapsed(peer.answeredAt, view.now) > ANSWERS)
      return refused(
        412,
        'MEMBER_SILENT',
        `${member} does not answer, and every member must set its data aside`,
        `Bring ${member} back, or scale it away, first.`,
      );
    if (peer.state.kept === undefined)
      return refused(
        412,
        'MEMBER_TOO_OLD',
        `${member} runs a version that knows no recovery in place`,
        'Finish the update of all members first.',
      );
  }
  return null;
}

function noRecovery(): Refusal {
  return refused(
    404,
    'NO_RECOVERY',
    'no recovery in place is under way',
    'Begin one: pgwarden recover --to-time.',
  );
}

function unknownRecord(): Refusal {
  return refused(
    503,
    'RECORD_UNKNOWN',
    'the cluster record is not known',
    'Check the Kubernetes API and try again.',
  );
}

function unreachable(why: string): Refusal {
  return refused(
    503,
    'API_UNREACHABLE',
    `the cluster record cannot be written: ${why}`,
    'check the Kubernetes API and try again',
  );
}
