import type { ClusterStatus, MemberStatus } from '../http/ports.ts';
import type { Answer } from './topology.ts';

/** An agent answers from memory: one that takes longer is as good as silent. */
const ANSWER_WITHIN = 500;

/** What the agents hear of this pooler: its clients wait, and no transaction of theirs runs. */
export interface Word {
  readonly name: string;
  readonly holds: boolean;
}

/**
 * Asks every agent at once; never rejects, and takes at most half a second. Null for `word`: they are not told of this
 * pooler, and no planned end waits for it.
 */
export async function askAll(
  members: readonly URL[],
  word: Word | null,
  signal: AbortSignal,
): Promise<readonly Answer[]> {
  const bounded = AbortSignal.any([signal, AbortSignal.timeout(ANSWER_WITHIN)]);
  return await Promise.all(
    members.map(async (base): Promise<Answer> => {
      try {
        const [status, cluster, hold] = await Promise.all([
          ask<MemberStatus>(new URL('/v1/status', base), bounded),
          ask<ClusterStatus>(new URL('/v1/cluster', base), bounded),
          word === null ? null : tell(base, word, bounded),
        ]);
        return { status, cluster, hold };
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

/** Null: the agent is of a version that hears no poolers. */
async function tell(base: URL, { name, holds }: Word, signal: AbortSignal): Promise<boolean | null> {
  const answer = await fetch(new URL(`/v1/poolers/${name}`, base), {
    method: 'PUT',
    signal,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ holds }),
  });
  const body = (await answer.json()) as { readonly hold?: boolean };
  return answer.ok && typeof body.hold === 'boolean' ? body.hold : null;
}
