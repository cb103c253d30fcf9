import type { FastifyReply, FastifyRequest } from 'fastify';
import type { JsonSchema } from './json-schema.ts';

/**
 * Who may call a route over TCP. Everybody may call everything over the Unix socket.
 * - `open`: everybody.
 * - `peer`: the members: with the token, where one is configured.
 * - `change`: with the token; without a configured token nobody.
 */
export type Access = 'open' | 'peer' | 'change';

export type Method = 'GET' | 'HEAD' | 'OPTIONS' | 'POST' | 'PUT' | 'DELETE';

/** An answer: what it means, and its body (JSON, where there is a schema). */
export interface AnswerSpec {
  readonly description: string;
  readonly schema?: JsonSchema;
  readonly contentType?: string;
}

/** One route: what fastify registers, and what the OpenAPI document says of it. */
export interface RouteSpec {
  readonly methods: readonly Method[];
  /** With `:name` for parameters. */
  readonly url: string;
  readonly operation: string;
  readonly summary: string;
  readonly tag: 'probes' | 'patroni' | 'metrics' | 'status' | 'control' | 'peer';
  readonly access: Access;
  readonly params?: Readonly<Record<string, JsonSchema>>;
  readonly query?: Readonly<Record<string, JsonSchema>>;
  readonly body?: JsonSchema;
  /** A request without a body counts as one with `{}`. */
  readonly bodyOptional?: boolean;
  readonly answers: Readonly<Record<number, AnswerSpec>>;
  readonly handle: (request: FastifyRequest, reply: FastifyReply) => unknown;
}

/** The methods of a route that only reads. */
export const READ: readonly Method[] = ['GET', 'HEAD'];

/** The methods of a health check: load balancers use any of them. */
export const CHECK: readonly Method[] = ['GET', 'HEAD', 'OPTIONS'];
