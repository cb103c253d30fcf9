import { styleText } from 'node:util';

const FRAMES = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];
const FRAME_MILLIS = 100;
/** A log is not to be filled with percentages. */
const LINE_MILLIS = 1000;

/** Tells what a command does while it waits. Always on standard error: standard output is for the result. */
export interface Progress extends Disposable {
  /** What is being waited for now; repeating the same text says nothing new. */
  update(text: string): void;
  /** A line that stays. */
  line(text: string): void;
}

/** A spinner on a terminal, else one plain line when the text changes, at most one a second. `quiet`: nothing at all. */
export function openProgress(stream: NodeJS.WriteStream, options: { quiet?: boolean } = {}): Progress {
  if (options.quiet === true) return { update() {}, line() {}, [Symbol.dispose]() {} };
  return stream.isTTY === true ? new Spinner(stream) : new PlainLines(stream);
}

class PlainLines implements Progress {
  readonly #stream: NodeJS.WriteStream;
  #last = '';
  #saidAt = Number.NEGATIVE_INFINITY;

  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream;
  }

  update(text: string): void {
    const now = performance.now();
    if (text === this.#last || now - this.#saidAt < LINE_MILLIS) return;
    this.#last = text;
    this.#saidAt = now;
    this.line(text);
  }

  line(text: string): void {
    this.#stream.write(`${text}\n`);
  }

  [Symbol.dispose](): void {}
}

class Spinner implements Progress {
  readonly #stream: NodeJS.WriteStream;
  #timer: NodeJS.Timeout | null = null;
  #frame = 0;
  #text = '';

  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream;
  }

  update(text: string): void {
    this.#text = text;
    this.#timer ??= setInterval(() => this.#draw(), FRAME_MILLIS).unref();
    this.#draw();
  }

  line(text: string): void {
    this.#clear();
    this.#stream.write(`${text}\n`);
    if (this.#timer !== null) this.#draw();
  }

  [Symbol.dispose](): void {
    if (this.#timer === null) return;
    clearInterval(this.#timer);
    this.#timer = null;
    this.#clear();
  }

  #draw(): void {
    this.#frame = (this.#frame + 1) % FRAMES.length;
    const columns = this.#stream.columns > 0 ? this.#stream.columns : 80;
    this.#clear();
    this.#stream.write(
      `${styleText('cyan', FRAMES[this.#frame] ?? '', { stream: this.#stream })} ${this.#text.slice(0, columns - 3)}`,
    );
  }

  #clear(): void {
    this.#stream.write('\r\u001b[K');
  }
}
