import { ApiAnswerError } from './errors.ts';

/** Cuts a text that comes in pieces into lines. */
export class LineSplitter {
  readonly #limit: number;
  readonly #what: string;
  readonly #onLine: (line: string) => void;
  #rest = '';

  constructor(limit: number, what: string, onLine: (line: string) => void) {
    this.#limit = limit;
    this.#what = what;
    this.#onLine = onLine;
  }

  /** Throws ApiAnswerError for a line over the limit, and what `onLine` throws. */
  push(text: string): void {
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines) if (line !== '') this.#onLine(line);
    if (this.#rest.length > this.#limit) {
      throw new ApiAnswerError(this.#what, `a line of more than ${this.#limit} characters`);
    }
  }
}
