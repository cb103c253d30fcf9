import { randomBytes } from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
import { dropPrivileges } from '../agent/privileges.ts';
import { Bouncer } from './bouncer.ts';
import { PoolerError } from './errors.ts';
import { Follower, type FollowOptions, type Log } from './follow.ts';
import { ADMIN, renderUsers } from './ini.ts';

export interface PoolerOptions extends FollowOptions {
  readonly program: string;
  /** Whom root gives itself up for. */
  readonly runAs: string;
  /** Users whose passwords are given: name to file. */
  readonly users: readonly { readonly name: string; readonly passwordFile: string }[];
}

const STOP_GRACE = 10_000;

/**
 * Finds the primary, runs PgBouncer and keeps it at the primary until `signal`.
 *
 * @throws PoolerError where PgBouncer cannot be started, or ends by itself
 */
export async function runPooler(options: PoolerOptions, signal: AbortSignal): Promise<void> {
  const log: Log = (event, message) => {
    const line = { level: 'info', time: new Date().toISOString(), event, msg: message };
    process.stdout.write(`${JSON.stringify(line)}\n`);
  };
  const password = randomBytes(24).toString('base64url');
  const bouncer = new Bouncer(options.program, options.directory, options.port, password);
  const users = await Promise.all(
    options.users.map(async ({ name, passwordFile }) => ({
      name,
      password: (await readFile(passwordFile, 'utf8')).replace(/\r?\n$/, ''),
    })),
  );
  // Not before the passwords are read: only root may be able to. PgBouncer refuses to run as root.
  dropPrivileges(options.runAs, options.directory);
  await mkdir(options.directory, { recursive: true });
  await bouncer.write('userlist.txt', renderUsers([...users, { name: ADMIN, password }]));
  const follower = new Follower(options, bouncer, log);
  await follower.find(signal);
  if (signal.aborted) return;
  const life = new AbortController();
  const ended = bouncer.start().finally(() => life.abort());
  const following = follower.run(AbortSignal.any([signal, life.signal]));
  try {
    await Promise.race([following, ended]);
    if (signal.aborted) return;
    const code = await ended;
    throw new PoolerError(
      'PGBOUNCER_ENDED',
      `PgBouncer ended by itself (${code ?? 'by a signal'})`,
      'its own lines above say why',
    );
  } finally {
    life.abort();
    await bouncer.stop(STOP_GRACE);
    await following.catch(() => {});
  }
}
