import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { type Instant, instant, type Millis } from '../ha/units.ts';
import { systemClock } from '../kubernetes/clock.ts';
import { AgentError } from './errors.ts';
import type { Log } from './log.ts';

/** How often the agent says that it lives, in milliseconds. */
const BEAT = 500;
/** How long a new guard waits for one that is just finishing. */
const TAKEN_AFTER = 5_000;
/** A guard that does not answer beats for so long hangs: another takes its place. */
const SILENT = 3_000;

export interface GuardOptions {
  readonly volume: string;
  readonly dataDirectory: string;
  readonly guardAfter: Millis;
  readonly log: Log;
  /** It killed Postgres: the loop should look. */
  readonly onKilled: () => void;
}

/** The text of the guard; read at import, before privileges are dropped. */
const SCRIPT = readFileSync(new URL('./guard.pl', import.meta.url), 'utf8');

/**
 * The guard of one data directory: a process of its own that kills Postgres when this one dies, freezes or overruns
 * its deadline. It also holds the lock that lets only one agent work on a volume.
 */
export class Guard {
  readonly #options: GuardOptions;
  #child: ChildProcessWithoutNullStreams | null = null;
  #timer: NodeJS.Timeout | null = null;
  #deadline: Instant | null = null;
  #answeredAt: Instant = instant(0);
  #released = false;
  #guarding = false;

  constructor(options: GuardOptions) {
    this.#options = options;
  }

  get isGuarding(): boolean {
    return this.#guarding;
  }

  get deadline(): Instant | null {
    return this.#deadline;
  }

  /**
   * Starts it; resolves when it guards.
   *
   * @throws AgentError DIRECTORY_TAKEN when another agent works on the volume, GUARD_FAILED when it cannot start
   */
  async start(): Promise<void> {
    await this.#spawn();
    this.#timer = setInterval(() => this.#beat(), BEAT);
    this.#timer.unref();
  }

  /** Past `deadline` it kills, whatever this process does; null: no deadline. */
  setDeadline(deadline: Instant | null): void {
    if (deadline === this.#deadline) return;
    this.#deadline = deadline;
    this.#tellDeadline();
  }

  /** The end of guarding: Postgres is down, or is meant to go on without an agent. */
  async release(): Promise<void> {
    this.#released = true;
    if (this.#timer !== null) clearInterval(this.#timer);
    const child = this.#child;
    if (child === null || child.exitCode !== null) return;
    const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    child.stdin.write('release\n');
    await gone;
  }

  async #spawn(): Promise<void> {
    const { volume, dataDirectory, guardAfter, log } = this.#options;
    const child = spawn(
      'perl',
      ['-e', SCRIPT, volume, dataDirectory, String(guardAfter), String(TAKEN_AFTER), String(process.pid)],
      {
        detached: true,
        cwd: '/',
        stdio: ['pipe', 'pipe', 'pipe'],
        env: { PATH: process.env.PATH, LC_ALL: 'C' },
      },
    );
    this.#child = child;
    this.#answeredAt = systemClock.now();
    child.stdin.on('error', () => undefined); // Its exit tells.
    child.stderr.on('data', (text: Buffer) => log.warn({ event: 'guard.stderr' }, text.toString().trim()));
    const ready = Promise.withResolvers<void>();
    child.once('error', (error) =>
      ready.reject(
        new AgentError('GUARD_FAILED', `the guard cannot start: ${error.message}`, 'install perl-base', {
          cause: error,
        }),
      ),
    );
    child.once('exit', (code) => {
      this.#guarding = false;
      ready.reject(
        new AgentError('GUARD_FAILED', `the guard ended with ${code}`, 'the line before this one says why'),
      );
      if (this.#child === child && !this.#released && code !== 3) this.#replace('it ended');
    });
    createInterface({ input: child.stdout }).on('line', (line) => this.#hear(line, ready));
    await ready.promise;
    this.#guarding = true;
    this.#beat();
    this.#tellDeadline();
  }

  #hear(line: string, ready: PromiseWithResolvers<void>): void {
    const [word, ...rest] = line.split(' ');
    switch (word) {
      case 'ready':
        ready.resolve();
        return;
      case 'pong':
        this.#answeredAt = systemClock.now();
        return;
      case 'taken':
        ready.reject(
          new AgentError(
            'DIRECTORY_TAKEN',
            `another agent (process ${rest.join(' ')}) works on ${this.#options.volume}`,
            'stop that one, or give this member a volume of its own',
          ),
        );
        return;
      case 'killed':
        this.#options.log.error(
          { event: 'guard.killed', cause: rest[0], processes: Number(rest[1]), took: Number(rest[2]) },
          `The guard killed ${rest[1]} processes of Postgres: ${rest[0]}`,
        );
        this.#options.onKilled();
        return;
      default:
        return;
    }
  }

  #beat(): void {
    const now = systemClock.now();
    // Time that this process itself slept through says nothing about the guard.
    if (this.#guarding && now - this.#answeredAt > SILENT + BEAT) {
      if (this.#lateBeats++ > 3) {
        this.#replace('it does not answer');
        return;
      }
    } else this.#lateBeats = 0;
    this.#send(`beat ${Math.floor(now)}\n`);
  }
  #lateBeats = 0;

  #tellDeadline(): void {
    this.#send(`deadline ${this.#deadline === null ? 'none' : Math.floor(this.#deadline)}\n`);
  }

  #send(line: string): void {
    const { stdin } = this.#child ?? {};
    // A pipe that is full belongs to a guard that hangs: what it would read later is stale by then.
    if (stdin?.writable && stdin.writableLength < 4_096) stdin.write(line);
  }

  #replace(why: string): void {
    const old = this.#child;
    this.#guarding = false;
    this.#lateBeats = 0;
    if (this.#released) return;
    this.#options.log.error({ event: 'guard.lost' }, `The guard was lost (${why}); another takes its place`);
    this.#child = null;
    if (old !== null && old.exitCode === null) old.kill('SIGKILL');
    this.#spawn().catch((error: unknown) => {
      this.#options.log.error({ event: 'guard.failed', err: error }, 'The guard could not be replaced');
      setTimeout(() => this.#replace('its replacement failed'), BEAT).unref();
    });
  }
}
