import { request } from '../commands/client/request.ts';
import type { MemberStatus } from '../http/ports.ts';
import type { Demo, DemoMember } from './state.ts';

/** One member as its own agent tells it now; `status` is null where the agent does not answer. */
export interface Observation {
  readonly member: DemoMember;
  readonly status: MemberStatus | null;
}

const ASK_MILLIS = 1000;

/** Asks every member over its socket, all at once. Never rejects but for `signal`. */
export async function observe(demo: Demo, signal?: AbortSignal): Promise<readonly Observation[]> {
  return Promise.all(
    demo.members.map(async (member) => {
      const endpoint = { kind: 'socket', path: member.socket } as const;
      try {
        const answer = await request(endpoint, { method: 'GET', path: '/v1/status' }, ASK_MILLIS, signal);
        return { member, status: answer.status === 200 ? (answer.body as MemberStatus) : null };
      } catch {
        signal?.throwIfAborted();
        return { member, status: null };
      }
    }),
  );
}

/** The member that serves clients as primary; null where there is none, or more than one says so. */
export function servingPrimary(observations: readonly Observation[]): MemberStatus | null {
  const serving = observations.flatMap(({ status }) =>
    status?.role === 'primary' && status.open ? [status] : [],
  );
  return serving.length === 1 ? (serving[0] ?? null) : null;
}

/** Whether a member does its part under that primary: it is it, or it streams from it. */
export function doesItsPart(status: MemberStatus | null, primary: MemberStatus): boolean {
  if (status === null) return false;
  if (status.member === primary.member) return true;
  return (
    status.role !== 'primary' &&
    status.state === 'standby' &&
    status.replicationState === 'streaming' &&
    status.streamingFrom === primary.identity
  );
}

/** One primary serves, and every other member streams from it. */
export function isComplete(observations: readonly Observation[]): boolean {
  const primary = servingPrimary(observations);
  return primary !== null && observations.every(({ status }) => doesItsPart(status, primary));
}

/**
 * Commits wait for standbys, and every standby that may count is in the cohort: the primary can be lost, or any
 * standby, and nothing acknowledged goes with it. A new cluster is asynchronous until its first standbys stream.
 */
export function isProtected(observations: readonly Observation[]): boolean {
  const primary = servingPrimary(observations);
  if (primary === null || primary.acks === 0) return false;
  return observations.every(({ status }) => {
    if (status === null || status.identity === null) return false;
    return status.member === primary.member || status.tags.nosync || primary.cohort.includes(status.identity);
  });
}

/** What a member does, with how far it is: `streaming`, `cloning 40 %`, `no answer`. */
export function activity(status: MemberStatus | null): string {
  const progress = status?.progress ?? null;
  if (progress === null) return phase(status);
  const part = progress.fraction === null ? progress.detail : `${Math.floor(progress.fraction * 100)} %`;
  return `${progress.task} ${part}`.trim();
}

/** What a member does, without how far it is: it changes only when the member begins something else. */
export function phase(status: MemberStatus | null): string {
  if (status === null) return 'no answer';
  if (status.progress !== null) return status.progress.task;
  if (status.fenced) return `${status.state}, fenced`;
  if (status.role === 'primary') return status.open ? 'serving' : 'primary, not open yet';
  return status.replicationState === 'streaming' ? 'streaming' : status.state;
}
