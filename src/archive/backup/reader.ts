import { Worker } from 'node:worker_threads';
import { FileUnreadableError } from './errors.ts';
import type { FileFacts, ReadRequest, ReadResult } from './file-reading.ts';
import type { FromReader, ToReader } from './reader-worker.ts';

/** Pieces that are read ahead of who takes them. */
const AHEAD = 2;
/** Of the thread's heap, which stays almost empty: half of it is what pieces may come to before V8 collects everything. */
const HEAP_MB = 512;

/** Beside this file in the source; an entry of its own beside the bundle. */
const SCRIPT = new URL(
  import.meta.url.endsWith('.ts') ? './reader-worker.ts' : './reader-worker.js',
  import.meta.url,
);

/** A piece of a file. */
export interface FilePiece {
  readonly bytes: Uint8Array;
  /** Compressed, from so many bytes; null: as they are in the file. */
  readonly packedFrom: number | null;
}

/** A file that was found; its pieces are to be read to their end, then `result` tells what was seen. */
export interface OpenedFile {
  readonly facts: FileFacts;
  pieces(): AsyncGenerator<FilePiece>;
  result(): ReadResult;
}

/**
 * Reads files and checks their pages in a thread of its own, one file at a time: checksums of a gigabyte cost a second
 * of processor, which the agent's loop must not wait for.
 */
export class Reader {
  readonly #worker: Worker;
  readonly #answers: FromReader[] = [];
  #waiting: { resolve(answer: FromReader): void; reject(error: Error): void } | null = null;
  #failure: Error | null = null;

  private constructor(worker: Worker) {
    this.#worker = worker;
    worker.on('message', (answer: FromReader) => {
      const waiting = this.#waiting;
      this.#waiting = null;
      if (waiting === null) this.#answers.push(answer);
      else waiting.resolve(answer);
    });
    worker.on('error', (error) => this.#fail(error instanceof Error ? error : new Error(String(error))));
    worker.on('exit', () =>
      this.#fail(new FileUnreadableError('the data directory', 'the thread that reads it ended')),
    );
  }

  static start(): Reader {
    return new Reader(new Worker(SCRIPT, { resourceLimits: { maxOldGenerationSizeMb: HEAP_MB } }));
  }

  /** Null: there is no such file any more. @throws FileUnreadableError */
  async open(request: ReadRequest): Promise<OpenedFile | null> {
    this.#ask({ ask: 'open', request });
    const opened = await this.#answer(request);
    if (opened.say === 'absent') return null;
    if (opened.say !== 'opened') throw unexpected(request, opened);
    let result: ReadResult | null = null;
    return {
      facts: opened.facts,
      pieces: () =>
        this.#pieces(request, (seen) => {
          result = seen;
        }),
      result: () => {
        if (result === null) throw new TypeError(`${request.name} was not read to its end`);
        return result;
      },
    };
  }

  async end(): Promise<void> {
    await this.#worker.terminate();
  }

  async *#pieces(request: ReadRequest, ended: (result: ReadResult) => void): AsyncGenerator<FilePiece> {
    let asked = 0;
    let isAtEnd = false;
    try {
      for (;;) {
        for (; asked < AHEAD; asked++) this.#ask({ ask: 'next' });
        const answer = await this.#answer(request);
        asked -= 1;
        if (answer.say === 'end') {
          isAtEnd = true;
          ended(answer.result);
          break;
        }
        if (answer.say !== 'piece') throw unexpected(request, answer);
        yield answer;
      }
    } finally {
      if (!isAtEnd) {
        this.#ask({ ask: 'close' });
        asked += 1;
      }
      // What was asked for ahead is answered, whether it is wanted or not.
      for (; asked > 0 && this.#failure === null; asked--) await this.#next().catch(() => undefined);
    }
  }

  #ask(message: ToReader): void {
    this.#worker.postMessage(message);
  }

  async #answer(request: ReadRequest): Promise<FromReader> {
    const answer = await this.#next();
    if (answer.say === 'failed') throw new FileUnreadableError(request.name, answer.message);
    return answer;
  }

  #next(): Promise<FromReader> {
    const ready = this.#answers.shift();
    if (ready !== undefined) return Promise.resolve(ready);
    if (this.#failure !== null) return Promise.reject(this.#failure);
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
    });
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    this.#waiting?.reject(this.#failure);
    this.#waiting = null;
  }
}

function unexpected({ name }: ReadRequest, { say }: FromReader): FileUnreadableError {
  return new FileUnreadableError(name, `the thread that reads it says "${say}" out of turn`);
}
