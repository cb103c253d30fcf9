import type { MemberName } from '../ha/member.ts';
import type { ControlResult } from '../http/ports.ts';
import type { Context } from './context.ts';

/** The longest that another agent may take to accept a call, in milliseconds. */
const DEADLINE = 10_000;

/** Sends a control call on to the agent of the member that it is for, with this cluster's token. */
export async function forwardTo(
  context: Context,
  member: MemberName,
  path: string,
  body: unknown,
  token: string | null,
): Promise<ControlResult> {
  const record = context.peers.record(member);
  const refuse = (code: string, message: string, remedy: string): ControlResult => ({
    accepted: false,
    status: 503,
    refusal: { code, message, remedy },
  });
  if (record === null)
    return refuse('MEMBER_UNKNOWN', `no address of ${member} is known`, 'start its agent first');
  if (token === null) {
    return refuse(
      'NO_TOKEN',
      `calls to other members need a token`,
      `set http.tokenFile, or call the agent of ${member}`,
    );
  }
  const host = record.host.includes(':') ? `[${record.host}]` : record.host;
  try {
    const response = await fetch(`${record.https ? 'https' : 'http'}://${host}:${record.httpPort}${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(DEADLINE),
    });
    const answer = (await response.json()) as {
      readonly message?: string;
      readonly error?: { readonly code: string; readonly message: string; readonly remedy: string };
    };
    if (response.ok) return { accepted: true, message: answer.message ?? 'accepted' };
    const status = ([400, 404, 409, 412] as const).find((known) => known === response.status) ?? 503;
    const {
      code = 'REFUSED',
      message = `${member} answered ${response.status}`,
      remedy = '',
    } = answer.error ?? {};
    return { accepted: false, status, refusal: { code, message, remedy } };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return refuse(
      'MEMBER_UNREACHABLE',
      `the agent of ${member} does not answer: ${message}`,
      'see whether it runs',
    );
  }
}
