import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { findBinaries } from '../../../src/postgres/find-binaries.ts';
import type { MultiHostUrl } from '../connect.ts';

/** Longer than any test: `end` ends it. */
const AT_MOST_SECONDS = '3600';

export interface BenchResult {
  readonly processed: number;
  readonly failed: number;
  /** Clients that gave up at an error, and other complaints. */
  readonly errors: readonly string[];
}

/** A pgbench that runs until it is told to end. A client of it gives up at its first error. */
export class Bench {
  readonly #child: ChildProcess;
  readonly #ended: Promise<number | null>;
  #output = '';

  private constructor(child: ChildProcess) {
    this.#child = child;
    for (const stream of [child.stdout, child.stderr])
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.#output += text;
      });
    this.#ended = new Promise((resolve) => child.once('close', (code) => resolve(code)));
  }

  /** Makes the tables, of so many branches (rows that every transaction writes to). */
  static async prepare(target: MultiHostUrl, scale: number): Promise<void> {
    const bench = await Bench.#spawn(target, ['-i', '-q', '-s', String(scale)]);
    if ((await bench.#ended) !== 0) throw new Error(`pgbench -i failed:\n${bench.#output}`);
  }

  static start(target: MultiHostUrl, ...options: readonly string[]): Promise<Bench> {
    return Bench.#spawn(target, ['-n', '-T', AT_MOST_SECONDS, ...options]);
  }

  static async #spawn(target: MultiHostUrl, options: readonly string[]): Promise<Bench> {
    const { directory } = await findBinaries(null);
    const [place] = target.hosts;
    const where = ['-h', place?.host ?? '', '-p', String(place?.port), '-U', target.user];
    const child = spawn(join(directory, 'pgbench'), [...where, ...options, target.database], {
      env: { ...process.env, PGPASSWORD: target.password },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    return new Bench(child);
  }

  /** It ended by itself: every client gave up. */
  get isOver(): boolean {
    return this.#child.exitCode !== null;
  }

  async end(): Promise<BenchResult> {
    // What pgbench itself sets for the end of -T (pgbench.c, handle_sig_alarm).
    this.#child.kill('SIGALRM');
    await this.#ended;
    const count = (pattern: RegExp): number => Number(pattern.exec(this.#output)?.[1] ?? Number.NaN);
    return {
      processed: count(/transactions actually processed: (\d+)/),
      failed: count(/failed transactions: (\d+)/),
      errors: this.#output.split('\n').filter((line) => /error|fatal|aborted/i.test(line)),
    };
  }
}
