import { createHash, timingSafeEqual } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import { Problem } from './problem.ts';
import type { Access } from './route.ts';

export interface AccessPolicy {
  /** The bearer token; asked for at each call, so that it may rotate. Null: none is configured. */
  readonly token: () => string | null;
  /** A client CA is configured: what changes something needs a client certificate of it, too. */
  readonly clientCertificate: boolean;
  /** Whether the connection came over the Unix socket, which only its owner can open. */
  readonly isLocal: (request: FastifyRequest) => boolean;
}

/** Throws a Problem unless the request may use a route of this access. */
export function authorize(policy: AccessPolicy, access: Access, request: FastifyRequest): void {
  if (access === 'open' || policy.isLocal(request)) return;
  const token = policy.token();
  if (token === null) {
    if (access === 'peer') return;
    throw new Problem(
      403,
      'token_not_configured',
      'changing calls over TCP are refused: this agent has no token',
      "Configure a token for the agents, or call over the agent's Unix socket.",
    );
  }
  if (policy.clientCertificate && !hasClientCertificate(request)) {
    throw new Problem(
      403,
      'client_certificate_required',
      'this call needs a client certificate of the configured CA',
      "Give a certificate and key of the client CA, or call over the agent's Unix socket.",
    );
  }
  const given = /^Bearer +([^\s]+)$/i.exec(request.headers.authorization ?? '')?.[1];
  if (given !== undefined && sameSecret(given, token)) return;
  throw new Problem(
    401,
    'unauthorized',
    given === undefined ? 'this call needs a bearer token' : 'the bearer token is not valid',
    'Send "authorization: Bearer TOKEN" with the token of the cluster.',
  );
}

/** Compares in a time that depends on neither text: both are hashed first, so the lengths are equal. */
function sameSecret(a: string, b: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}

function hasClientCertificate(request: FastifyRequest): boolean {
  const { socket } = request.raw;
  return 'authorized' in socket && socket.authorized === true;
}
