import type https from 'node:https';
import type { MemberName } from '../ha/member.ts';
import type { PeerTls } from '../http/peer-client.ts';
import type { ControlResult } from '../http/ports.ts';
import type { Context } from './context.ts';
import { post } from './post-to-member.ts';

/** The longest that another agent may take to accept a call, in milliseconds. */
const DEADLINE = 10_000;

interface Answer {
  readonly message?: string;
  readonly error?: { readonly code: string; readonly message: string; readonly remedy: string };
}

/** Sends a control call on to the agent of the member that it is for, with this cluster's token. */
export async function forwardTo(
  context: Context,
  member: MemberName,
  path: string,
  body: unknown,
  access: { readonly token: string | null; readonly tls: PeerTls },
  within = DEADLINE,
): Promise<ControlResult> {
  const record = context.peers.record(member);
  const refuse = (code: string, message: string, remedy: string): ControlResult => ({
    accepted: false,
    status: 503,
    refusal: { code, message, remedy },
  });
  if (record === null)
    return refuse('MEMBER_UNKNOWN', `no address of ${member} is known`, 'start its agent first');
  if (access.token === null) {
    return refuse(
      'NO_TOKEN',
      'calls to other members need a token',
      `set http.tokenFile, or call the agent of ${member}`,
    );
  }
  const options: https.RequestOptions = {
    host: record.host,
    port: record.httpPort,
    method: 'POST',
    path,
    headers: { authorization: `Bearer ${access.token}`, 'content-type': 'application/json' },
    signal: AbortSignal.timeout(within),
    ...(record.https ? { ca: access.tls.ca } : {}),
  };
  try {
    const { status, text } = await post(record.https, options, JSON.stringify(body));
    const answer = JSON.parse(text) as Answer;
    if (status < 300) return { accepted: true, message: answer.message ?? 'accepted' };
    const known = ([400, 404, 409, 412] as const).find((code) => code === status) ?? 503;
    const { code = 'REFUSED', message = `${member} answered ${status}`, remedy = '' } = answer.error ?? {};
    return { accepted: false, status: known, refusal: { code, message, remedy } };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return refuse(
      'MEMBER_UNREACHABLE',
      `the agent of ${member} does not answer: ${message}`,
      'see whether it runs',
    );
  }
}
