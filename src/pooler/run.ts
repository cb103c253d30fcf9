import { randomBytes } from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { Bouncer } from './bouncer.ts';
import { type Action, decide, type PoolerState, START } from './decide.ts';
import { PoolerError } from './errors.ts';
import { ADMIN, type IniOptions, renderIni, renderUsers } from './ini.ts';
import { topologyOf } from './topology.ts';
import { askAll } from './watch.ts';

export interface PoolerOptions extends IniOptions {
  /** Base URLs of the agents. */
  readonly members: readonly URL[];
  readonly program: string;
  /** Milliseconds. */
  readonly pollEvery: number;
  readonly holdMost: number;
  /** Users whose passwords are given: name to file. */
  readonly users: readonly { readonly name: string; readonly passwordFile: string }[];
}

const STOP_GRACE = 10_000;

type Log = (event: string, message: string) => void;

/**
 * Runs PgBouncer and keeps it at the primary until `signal`.
 *
 * @throws PoolerError where PgBouncer cannot be started, or ends by itself
 */
export async function runPooler(options: PoolerOptions, signal: AbortSignal): Promise<void> {
  if (process.getuid?.() === 0) {
    throw new PoolerError('POOLER_AS_ROOT', 'PgBouncer does not run as root', 'run this as another user');
  }
  const log: Log = (event, message) => {
    const line = { level: 'info', time: new Date().toISOString(), event, msg: message };
    process.stdout.write(`${JSON.stringify(line)}\n`);
  };
  await mkdir(options.directory, { recursive: true });
  const password = randomBytes(24).toString('base64url');
  const bouncer = new Bouncer(options.program, options.directory, options.port, password);
  const users = await Promise.all(
    options.users.map(async ({ name, passwordFile }) => ({
      name,
      password: (await readFile(passwordFile, 'utf8')).replace(/\r?\n$/, ''),
    })),
  );
  await bouncer.write('userlist.txt', renderUsers([...users, { name: ADMIN, password }]));
  await bouncer.write('pgbouncer.ini', renderIni(options, START));
  const life = new AbortController();
  const ended = bouncer.start().finally(() => life.abort());
  const following = follow(options, bouncer, log, AbortSignal.any([signal, life.signal]));
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

async function follow(
  options: PoolerOptions,
  bouncer: Bouncer,
  log: Log,
  signal: AbortSignal,
): Promise<void> {
  let state: PoolerState = START;
  let undone: readonly Action[] = [];
  while (!signal.aborted) {
    const answers = await askAll(options.members, signal);
    const move = decide(state, topologyOf(answers, Date.now()), performance.now(), options.holdMost);
    const actions = [...new Set([...undone, ...move.actions])].filter(
      // What came later stands: no clients are let go that should wait, nor the other way round.
      (action) =>
        move.actions.includes(action) ||
        action === 'write' ||
        !move.actions.some((other) => other !== 'write'),
    );
    if (move.actions.length > 0) log(`pooler.${move.actions.join('+')}`, move.reason);
    state = move.state;
    undone = await carryOut(options, bouncer, state, actions, log);
    await sleep(options.pollEvery, undefined, { signal }).catch(() => {});
  }
}

/** The actions that failed, to be tried in the next round. */
async function carryOut(
  options: PoolerOptions,
  bouncer: Bouncer,
  state: PoolerState,
  actions: readonly Action[],
  log: Log,
): Promise<readonly Action[]> {
  for (const [index, action] of actions.entries()) {
    try {
      if (action === 'write') {
        await bouncer.write('pgbouncer.ini', renderIni(options, state));
        await bouncer.command('RELOAD');
      } else {
        const word = action === 'pause' ? 'PAUSE' : 'RESUME';
        const all = options.databases.map((name) => oneCommand(bouncer, action, `${word} ${name}`, options));
        await Promise.all(all);
      }
    } catch (error) {
      log('pooler.failed', `${action}: ${error instanceof Error ? error.message : String(error)}`);
      return actions.slice(index);
    }
  }
  return [];
}

/** PAUSE holds new transactions at once, and answers when the last old one is done: that is not waited for. */
async function oneCommand(
  bouncer: Bouncer,
  action: Action,
  text: string,
  { holdMost }: PoolerOptions,
): Promise<void> {
  const done = bouncer.command(text, action === 'pause' ? holdMost : undefined).catch((error: Error) => {
    // Said where it is so already; a PAUSE that RESUME ended is an error too.
    if (action === 'pause' || /not paused|already/i.test(error.message)) return;
    throw error;
  });
  if (action === 'pause') return;
  await done;
}
