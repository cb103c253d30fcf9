import type { HttpError } from './errors.ts';

/**
 * What became of a call to a peer.
 * - `answered`: the peer's agent answered.
 * - `refused`: nobody listens at its address: the machine answers, the agent is not there.
 * - `fault`: somebody answered something else: an HTTP error, a wrong certificate, another protocol.
 * - `silent`: no answer in time, or no way there. Says nothing about whether the peer lives.
 */
export type PeerOutcome<T> =
  | { readonly outcome: 'answered'; readonly value: T }
  | { readonly outcome: 'refused' }
  | { readonly outcome: 'fault'; readonly error: HttpError }
  | { readonly outcome: 'silent'; readonly error: Error };

/** Codes of errors that say "something listens there, but it is not the agent that we look for". */
const FAULTS = /^(?:ERR_TLS|ERR_SSL|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO|HPE_|EPROTO|HOSTNAME_MISMATCH)/;

/**
 * What a failed exchange means.
 *
 * @param connected the TCP connection had been made. A reset before that is a refusal (RST in answer to SYN). One
 *   after it is not: a server at its connection limit resets too, and lives.
 */
export function classifyFailure(
  error: NodeJS.ErrnoException,
  connected: boolean,
): 'refused' | 'fault' | 'silent' {
  const code = error.code ?? '';
  if (code === 'ECONNREFUSED') return 'refused';
  if (code === 'ECONNRESET' && !connected) return 'refused';
  return FAULTS.test(code) ? 'fault' : 'silent';
}
