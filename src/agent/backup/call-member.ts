import type https from 'node:https';
import type { MemberName } from '../../ha/member.ts';
import type { PeerTls } from '../../http/peer-client.ts';
import type { Refused } from '../../http/routes-backup.ts';
import type { Context } from '../context.ts';
import { post } from '../post-to-member.ts';

/** Longer than the agent that is called takes for an answer. */
const DEADLINE = 25_000;

export interface CallAccess {
  readonly token: string | null;
  readonly tls: PeerTls;
}

interface Answer {
  readonly error?: { readonly code: string; readonly message: string; readonly remedy: string };
}

/** Calls a changing route of another member's agent, with this cluster's token; its answer, or why there is none. */
export async function callMember<T extends object>(
  context: Context,
  member: MemberName,
  path: string,
  body: unknown,
  access: CallAccess,
  signal: AbortSignal,
): Promise<T | Refused> {
  const record = context.peers.record(member);
  if (record === null) return unavailable(`no address of ${member} is known`, 'Start its agent first.');
  if (access.token === null)
    return unavailable(
      'calls to other members need a token',
      `Set http.tokenFile, or call ${member} itself.`,
    );
  const options: https.RequestOptions = {
    host: record.host,
    port: record.httpPort,
    method: 'POST',
    path,
    headers: { authorization: `Bearer ${access.token}`, 'content-type': 'application/json' },
    signal: AbortSignal.any([signal, AbortSignal.timeout(DEADLINE)]),
    ...(record.https ? { ca: access.tls.ca } : {}),
  };
  try {
    const { status, text } = await post(record.https, options, JSON.stringify(body));
    const answer = JSON.parse(text) as T & Answer;
    if (status < 300) return answer;
    const { code = 'REFUSED', message = `${member} answered ${status}`, remedy = '' } = answer.error ?? {};
    const known = ([404, 409, 412] as const).find((one) => one === status) ?? 503;
    return { refused: { code, message, remedy }, status: known };
  } catch (error) {
    signal.throwIfAborted();
    const why = error instanceof Error ? error.message : String(error);
    return unavailable(`the agent of ${member} does not answer: ${why}`, 'See whether it runs.');
  }
}

function unavailable(message: string, remedy: string): Refused {
  return { refused: { code: 'MEMBER_UNREACHABLE', message, remedy }, status: 503 };
}
