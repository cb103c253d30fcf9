import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { NoAgentKnownError, UsageError } from '../errors.ts';
import type { Endpoint } from './endpoint.ts';
import { CredentialsUnreadableError } from './errors.ts';

/** What the options say about where an agent is. */
export interface Whereabouts {
  readonly socket?: string | undefined;
  readonly url?: readonly string[] | undefined;
  readonly token?: string | undefined;
  readonly tokenFile?: string | undefined;
  readonly caFile?: string | undefined;
  /** The directory of a demo cluster. */
  readonly dir?: string | undefined;
}

/** Where the image puts the agent's socket. */
export const IMAGE_SOCKET = '/run/pgwarden/agent.sock';

/**
 * The agents to ask, best first: what the options name; else `$PGWARDEN_SOCKET`, `$PGWARDEN_URL`, `$PGWARDEN_DIR`,
 * the socket of the image, the socket on `$PGWARDEN_VOLUME`, and last the demo cluster at its usual place.
 */
export async function findAgents(where: Whereabouts, env: NodeJS.ProcessEnv): Promise<readonly Endpoint[]> {
  const named = [where.socket, where.url, where.dir].filter((option) => option !== undefined);
  if (named.length > 1) {
    throw new UsageError('more than one of --socket, --url and --dir', 'give one of them');
  }
  if (where.socket !== undefined) return [{ kind: 'socket', path: where.socket }];
  if (where.url !== undefined) return urls(where.url, where, env);
  if (where.dir !== undefined) return demoSockets(where.dir);

  if (env.PGWARDEN_SOCKET) return [{ kind: 'socket', path: env.PGWARDEN_SOCKET }];
  if (env.PGWARDEN_URL) return urls(env.PGWARDEN_URL.split(','), where, env);
  if (env.PGWARDEN_DIR) return demoSockets(env.PGWARDEN_DIR);
  const usual = [IMAGE_SOCKET, ...(env.PGWARDEN_VOLUME ? [join(env.PGWARDEN_VOLUME, 'pgwarden.sock')] : [])];
  const path = usual.find((candidate) => existsSync(candidate));
  if (path !== undefined) return [{ kind: 'socket', path }];

  const { defaultDirectory } = await import('../../demo/layout.ts');
  const dir = defaultDirectory(env);
  if (existsSync(join(dir, 'demo.json'))) return demoSockets(dir);
  throw new NoAgentKnownError();
}

async function urls(
  texts: readonly string[],
  where: Whereabouts,
  env: NodeJS.ProcessEnv,
): Promise<readonly Endpoint[]> {
  const token = await readToken(where, env);
  const ca = where.caFile === undefined ? null : await readNamed('certificate authority', where.caFile);
  return texts.map((text) => {
    const url = URL.parse(text);
    if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
      throw new UsageError(`not a URL of an agent: ${text}`, 'write it as --url https://HOST:8008');
    }
    return { kind: 'url', url, token, ca };
  });
}

async function readToken(where: Whereabouts, env: NodeJS.ProcessEnv): Promise<string | null> {
  if (where.token !== undefined) return where.token;
  if (where.tokenFile !== undefined) return (await readNamed('token', where.tokenFile)).trim();
  return env.PGWARDEN_TOKEN ?? null;
}

async function readNamed(what: string, path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw new CredentialsUnreadableError(what, path, error);
  }
}

async function demoSockets(dir: string): Promise<readonly Endpoint[]> {
  const { openDemo } = await import('../../demo/state.ts');
  const demo = await openDemo(dir);
  return demo.members.map(
    (member): Endpoint => ({
      kind: 'socket',
      path: member.socket,
      member: member.name,
    }),
  );
}
