import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Run } from './share.ts';
import type { Range } from './sweep.ts';
import type { Tally } from './tally.ts';
import type { Answer } from './worker.ts';

const SIMULATE = fileURLToPath(new URL('./simulate.ts', import.meta.url));

/** Little survives a collection: several threads for it would only take the CPU from each other's workers. */
const FLAGS = ['--single-threaded-gc'];

/** Processes that run what they are given, one portion after the other: their code is compiled once. */
export class Workers {
  readonly runs: readonly Run[];
  readonly #children: readonly ChildProcess[];

  /** `args`: of the command line, for each of them. */
  constructor(jobs: number, args: readonly string[]) {
    const execArgv = [...process.execArgv, ...FLAGS];
    this.#children = Array.from({ length: jobs }, () => fork(SIMULATE, ['--worker', ...args], { execArgv }));
    this.runs = this.#children.map((child) => (portion) => ask(child, portion));
  }

  close(): void {
    for (const child of this.#children) if (child.connected) child.disconnect();
  }
}

function ask(child: ChildProcess, portion: Range): Promise<Tally> {
  const { promise, resolve, reject } = Promise.withResolvers<Tally>();
  const onExit = (code: number | null, signal: string | null): void =>
    reject(new Error(`the worker ended: ${signal ?? `code ${code}`}`));
  child.once('exit', onExit);
  child.once('message', (answer: Answer) => {
    child.off('exit', onExit);
    if ('tally' in answer) resolve(answer.tally);
    else reject(new Error(answer.failed));
  });
  child.send(portion);
  return promise;
}
