import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { InterruptedWorkError, PostgresError } from '../errors.ts';
import type { Binaries } from '../find-binaries.ts';
import { LOCK_HELD_EXIT_CODE, underLock } from '../process/lock.ts';
import { ServerLog, type ServerMessage } from '../process/server-log.ts';
import { throwIfAborted } from '../wait.ts';
import type { PrivateServer } from './private-server.ts';
import { RECOVERY_BEGINS, type RecoveryStory, tellRecovery } from './recovery-log.ts';
import { type RecoverySettings, recoveryParameters } from './recovery-settings.ts';
import { resumeReplay } from './resume-replay.ts';

/** It stands still at the target, and read-only sessions may look, until somebody says what is to become of it. */
export interface Pause {
  /** A superuser of what is recovered: ends the pause. */
  readonly superuser: string;
  /** `promote`: it goes on to be a primary; `leave`: it stops there, and can go further another time. */
  ask(server: PrivateServer, signal: AbortSignal): Promise<'promote' | 'leave'>;
}

export interface RecoveryRun {
  readonly binaries: Binaries;
  readonly data: string;
  readonly settings: RecoverySettings;
  /** A file that every process of it holds locked, so that a free lock proves that none is left. */
  readonly lock: string;
  onMessage(message: ServerMessage): void;
  /** It pauses at the target (`action: 'pause'`). */
  readonly pause?: Pause;
  /** Before it stops: what is to be learned from it. It may be called again for the same directory. */
  onPromoted?(server: PrivateServer, signal: AbortSignal): Promise<void>;
  /** The story has gone on. */
  onStory(story: RecoveryStory): void;
}

/** Bounds in milliseconds. */
const FAST = 60_000;
const IMMEDIATE = 5_000;
const LOOK = 20;

/** Under the lock nobody of this directory is left: a pid file is of another container's processes, or of before a crash. */
const CLEAR_AND_EXEC = 'rm -f "$1/postmaster.pid"; shift; exec "$@"';

/**
 * Runs Postgres in a restored directory until it has recovered to its target, promoted itself, and stopped again (or,
 * at a pause, until somebody has said what is to become of it): what is left is a directory that any start opens, on a
 * timeline of its own. Cut off, it is run again: recovery goes on from its last restart point.
 *
 * @returns what its log told
 * @throws PostgresError SERVER_EXITED with Postgres's own last words; InterruptedWorkError when the signal fires
 */
export async function recoverAndPromote(run: RecoveryRun, signal: AbortSignal): Promise<RecoveryStory> {
  throwIfAborted('the recovery', signal);
  const server = await RecoveringServer.start(run);
  try {
    const { runDirectory, port } = run.settings;
    const reached = { socketDirectory: runDirectory, port };
    await server.until((story) => story.promoted || story.paused, signal);
    if (!server.story.promoted) {
      const { pause } = run;
      if (pause === undefined || (await pause.ask(reached, signal)) === 'leave') {
        await server.stop('fast');
        return server.story;
      }
      await resumeReplay(reached, pause.superuser);
      await server.until((story) => story.promoted, signal);
    }
    await run.onPromoted?.(reached, signal);
    await server.stop('fast');
    return server.story;
  } finally {
    await server.stop('immediate');
  }
}

/** A Postgres that recovers, as a child of this process. */
export class RecoveringServer {
  readonly #child: ChildProcess;
  readonly #log: ServerLog;
  #story = RECOVERY_BEGINS;
  #exit: { readonly code: number | null; readonly signal: string | null } | null = null;
  #failure: Error | null = null;

  private constructor(child: ChildProcess, run: RecoveryRun) {
    this.#child = child;
    this.#log = new ServerLog((message) => {
      run.onMessage(message);
      const story = tellRecovery(this.#story, message);
      if (story === this.#story) return;
      this.#story = story;
      run.onStory(story);
    });
    child.stderr?.setEncoding('utf8').on('data', (text: string) => this.#log.write(text));
    child.once('error', (error) => {
      this.#failure = error;
    });
    child.once('close', (code, ended) => {
      this.#log.end();
      this.#exit = { code, signal: ended };
    });
  }

  /** Launches it; it is not awaited. */
  static async start(run: RecoveryRun): Promise<RecoveringServer> {
    const { runDirectory } = run.settings;
    await writeFile(join(runDirectory, 'postgresql.conf'), '# Everything is on the command line.\n');
    // Whoever may enter the directory of the socket is its owner.
    await writeFile(join(runDirectory, 'pg_hba.conf'), 'local all all trust\n');
    await writeFile(join(runDirectory, 'pg_ident.conf'), '');
    const parameters = Object.entries(recoveryParameters(run.settings));
    const postgres = join(run.binaries.directory, 'postgres');
    const args = ['-D', run.data, ...parameters.flatMap(([name, value]) => ['-c', `${name}=${value}`])];
    const command = underLock(run.lock, '/bin/sh', [
      '-c',
      CLEAR_AND_EXEC,
      'pgwarden-recover',
      run.data,
      postgres,
      ...args,
    ]);
    const child = spawn(command.file, command.arguments, {
      cwd: '/',
      env: { ...process.env, LC_ALL: 'C', PGTZ: 'UTC' },
      stdio: ['ignore', 'ignore', 'pipe'],
      // Ctrl-C must not reach it: how it ends is decided here.
      detached: true,
    });
    return new RecoveringServer(child, run);
  }

  get story(): RecoveryStory {
    return this.#story;
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** Resolves when the story has come that far. @throws PostgresError where it ends first */
  async until(come: (story: RecoveryStory) => boolean, signal: AbortSignal): Promise<void> {
    while (!come(this.#story)) {
      if (signal.aborted) throw new InterruptedWorkError('the recovery', signal.reason);
      if (this.#failure !== null || this.#exit !== null) throw this.#ended();
      await sleep(LOOK, undefined, { signal }).catch(() => undefined);
    }
  }

  /** Ends it, harder as it takes longer. Does nothing where it has ended. */
  async stop(mode: 'fast' | 'immediate'): Promise<void> {
    const stages = [
      { signal: 'SIGINT', limit: FAST },
      { signal: 'SIGQUIT', limit: IMMEDIATE },
      { signal: 'SIGKILL', limit: IMMEDIATE },
    ] as const;
    for (const stage of mode === 'fast' ? stages : stages.slice(1)) {
      if (this.#exit !== null || this.#failure !== null) return;
      const limit = AbortSignal.timeout(stage.limit);
      const closed = once(this.#child, 'close', { signal: limit }).catch(() => undefined);
      this.#child.kill(stage.signal);
      await closed;
    }
  }

  #ended(): PostgresError {
    if (this.#failure !== null)
      return new PostgresError(
        'BINARIES_MISSING',
        `Postgres cannot be run: ${this.#failure.message}`,
        'Install the whole PostgreSQL server package and util-linux (flock), or set the directory of the binaries.',
        { cause: this.#failure },
      );
    const { code, signal } = this.#exit ?? { code: null, signal: null };
    if (code === LOCK_HELD_EXIT_CODE)
      return new PostgresError(
        'DIRECTORY_IN_USE',
        'another process still works in this directory',
        'It is tried again by itself when that one has ended.',
      );
    const how = code === null ? `was ended by ${signal ?? 'a signal'}` : `ended with exit code ${code}`;
    const said = this.#story.fatal ?? this.#log.last.at(-1) ?? 'it said nothing';
    return new PostgresError(
      'SERVER_EXITED',
      `Postgres ${how} in its recovery: ${said}`,
      `Its last lines: ${this.#log.last.slice(-5).join(' | ') || 'none'}`,
    );
  }
}
