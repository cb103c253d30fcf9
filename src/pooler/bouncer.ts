import { type ChildProcess, spawn } from 'node:child_process';
import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Console } from './console.ts';
import { PoolerError } from './errors.ts';

/** A PgBouncer that runs as a child of this process. */
export class Bouncer {
  readonly #program: string;
  readonly #directory: string;
  readonly console: Console;
  #child: ChildProcess | null = null;
  #ended: Promise<number | null> | null = null;

  constructor(program: string, directory: string, port: number, password: string) {
    this.#program = program;
    this.#directory = directory;
    this.console = new Console(directory, port, password);
  }

  async write(file: 'pgbouncer.ini' | 'userlist.txt', text: string): Promise<void> {
    const path = join(this.#directory, file);
    await writeFile(`${path}.new`, text, { mode: 0o600 });
    await rename(`${path}.new`, path);
  }

  /** Resolves when it ends, with its exit code. */
  start(): Promise<number | null> {
    const child = spawn(this.#program, [join(this.#directory, 'pgbouncer.ini')], {
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    this.#child = child;
    this.#ended = new Promise((resolve, reject) => {
      child.once('error', (cause) =>
        reject(
          new PoolerError(
            'PGBOUNCER_MISSING',
            `${this.#program} cannot be started`,
            'install PgBouncer (Debian: apt-get install pgbouncer), or name it with --pgbouncer',
            { cause },
          ),
        ),
      );
      child.once('exit', (code) => resolve(code));
    });
    return this.#ended;
  }

  /** SIGINT lets transactions end; whatever lasts longer is cut off after `grace` milliseconds. */
  async stop(grace: number): Promise<void> {
    this.#child?.kill('SIGINT');
    const timer = setTimeout(() => this.#child?.kill('SIGKILL'), grace);
    await this.#ended?.catch(() => null);
    clearTimeout(timer);
  }
}
