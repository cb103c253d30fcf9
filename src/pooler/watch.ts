import type { ClusterStatus, MemberStatus } from '../http/ports.ts';
import type { Answer } from './topology.ts';

/** An agent answers from memory: one that takes longer is as good as silent. */
const ANSWER_WITHIN = 500;

/** Asks every agent at once; never rejects, and takes at most half a second. */
export async function askAll(members: readonly URL[], signal: AbortSignal): Promise<readonly Answer[]> {
  const bounded = AbortSignal.any([signal, AbortSignal.timeout(ANSWER_WITHIN)]);
  return await Promise.all(
    members.map(async (base): Promise<Answer> => {
      try {
        const [status, cluster] = await Promise.all([
          ask<MemberStatus>(new URL('/v1/status', base), bounded),
          ask<ClusterStatus>(new URL('/v1/cluster', base), bounded),
        ]);
        return { status, cluster };
      } catch {
        // Silence is an answer: what it means is for the rules.
        return null;
      }
    }),
  );
}

async function ask<T>(url: URL, signal: AbortSignal): Promise<T> {
  const answer = await fetch(url, { signal, headers: { accept: 'application/json' } });
  if (!answer.ok) throw new TypeError(`${url.pathname}: ${answer.status}`);
  return (await answer.json()) as T;
}
