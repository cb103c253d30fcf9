import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { Socket } from 'node:net';
import type { Millis } from '../ha/units.ts';
import { type GuardMessage, parseGuardMessage } from './guard-message.ts';
import { GUARD_SCRIPT } from './guard-script.ts';

/** Bytes that may wait for the guard to read: far more than it ever leaves lying. */
const MOST_WAITING = 4_096;
const MOST_COMPLAINT = 2_000;

export interface GuardCommand {
  readonly perl: string;
  /** An absolute path without symbolic links, as /proc shows it. */
  readonly volume: string;
  readonly dataDirectory: string;
  readonly guardAfter: Millis;
  /** How long to wait for a guard that is just finishing. */
  readonly lockWait: Millis;
}

export interface GuardListener {
  message(message: GuardMessage): void;
  /** Called once; `why` is a sentence with what the guard complained of. */
  ended(why: string): void;
}

/**
 * One guard process. It has a session of its own, so that a signal to the agent's group does not reach it, and works
 * in the volume (never in the data directory), so that it is found by it.
 */
export class GuardProcess {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #streams: readonly Socket[];
  #partial = '';
  #complaint = '';
  #over = false;

  private constructor(child: ChildProcessWithoutNullStreams, listener: GuardListener) {
    this.#child = child;
    this.#streams = [child.stdin, child.stdout, child.stderr].filter((stream) => stream instanceof Socket);
    child.stdout.setEncoding('utf8').on('data', (text: string) => this.#read(text, listener));
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#complaint = (this.#complaint + text).slice(-MOST_COMPLAINT);
    });
    // A pipe whose reader is gone: its end tells more.
    for (const stream of this.#streams) stream.on('error', () => undefined);
    const end = (how: string): void => {
      if (this.#over) return;
      this.#over = true;
      listener.ended([how, this.#complaint.trim()].filter((part) => part !== '').join(': '));
    };
    child.once('error', (error) => end(error.message));
    child.once('close', (code, signal) =>
      end(signal === null ? `it exited with code ${code}` : `it was ended by ${signal}`),
    );
  }

  /** Starts the guard. It answers `ready` or `taken`, or it ends. */
  static launch(command: GuardCommand, listener: GuardListener): GuardProcess {
    const { perl, volume, dataDirectory, guardAfter, lockWait } = command;
    const values = [volume, dataDirectory, guardAfter, lockWait, process.pid].map(String);
    const child = spawn(perl, ['-e', GUARD_SCRIPT, '--', ...values], {
      cwd: volume,
      detached: true,
      stdio: ['pipe', 'pipe', 'pipe'],
      // Nothing that changes what perl does (PERL5OPT, PERL5LIB, a locale that is not installed).
      env: { PATH: process.env.PATH ?? '/usr/bin:/bin', LC_ALL: 'C' },
    });
    return new GuardProcess(child, listener);
  }

  get pid(): number | null {
    return this.#child.pid ?? null;
  }

  /** Whether it ended. */
  get over(): boolean {
    return this.#over;
  }

  /** Never blocks. False: it does not read any more. */
  send(line: string): boolean {
    if (this.#over || this.#child.stdin.writableLength > MOST_WAITING) return false;
    this.#child.stdin.write(`${line}\n`);
    return true;
  }

  /** Its last line. */
  finish(line: string): void {
    if (!this.#over) this.#child.stdin.end(`${line}\n`);
  }

  /** SIGKILL: the kernel frees its lock, also while it is stopped. It kills nobody then. */
  kill(): void {
    if (!this.#over) this.#child.kill('SIGKILL');
  }

  /** Whether it keeps the agent's event loop alive. */
  keepLoopAlive(keep: boolean): void {
    for (const handle of [this.#child, ...this.#streams]) {
      if (keep) handle.ref();
      else handle.unref();
    }
  }

  #read(text: string, listener: GuardListener): void {
    const lines = (this.#partial + text).split('\n');
    this.#partial = lines.pop() ?? '';
    for (const line of lines) {
      const message = parseGuardMessage(line);
      if (message !== null) listener.message(message);
    }
  }
}
