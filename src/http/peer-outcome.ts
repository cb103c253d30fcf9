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
 * What a failed exchange means. Only ECONNREFUSED is a refusal: it is how Linux reports the RST that answers a SYN
 * to a port where nobody listens. ECONNRESET is none, not even before 'connect': the connection was accepted, and
 * somebody at its limit resets too, and lives.
 */
export function classifyFailure(error: NodeJS.ErrnoException): 'refused' | 'fault' | 'silent' {
  const code = error.code ?? '';
  if (code === 'ECONNREFUSED') return 'refused';
  return FAULTS.test(code) ? 'fault' : 'silent';
}
