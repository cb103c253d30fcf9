import type { ClientRequest, IncomingMessage } from 'node:http';
import type { Millis } from '../ha/units.ts';
import { ApiAbortedError, ApiAnswerError, ApiDeadlineError, ApiUnreachableError } from './errors.ts';

/** Bounds of one exchange with the server. */
export interface ExchangeBounds {
  /** What it is, for messages. */
  readonly what: string;
  /** Until the head of the answer; `Exchange.extend` moves it. */
  readonly deadline: Millis;
  readonly signal?: AbortSignal | undefined;
}

/**
 * One request and its answer under one deadline and one signal, from sending to the last byte: connecting, waiting
 * for a free connection and TLS count too. Whatever ends it early destroys its connection, so that the next call
 * never waits behind a dead one.
 */
export class Exchange implements Disposable {
  readonly #request: ClientRequest;
  readonly #what: string;
  readonly #signal: AbortSignal | undefined;
  readonly #failure = Promise.withResolvers<never>();
  #timer: NodeJS.Timeout;
  #failed: Error | null = null;

  constructor(request: ClientRequest, bounds: ExchangeBounds) {
    this.#request = request;
    this.#what = bounds.what;
    this.#signal = bounds.signal;
    // Somebody may fail before anybody waits.
    this.#failure.promise.catch(() => undefined);
    request.on('error', (error) => this.#fail(new ApiUnreachableError(this.#what, error)));
    this.#timer = this.#arm(bounds.deadline);
    if (bounds.signal?.aborted) this.#abort();
    else bounds.signal?.addEventListener('abort', this.#abort, { once: true });
  }

  /** Sends the body and waits for the head of the answer. */
  async send(body: string | undefined): Promise<IncomingMessage> {
    if (this.#failed !== null) throw this.#failed;
    const head = new Promise<IncomingMessage>((resolve) => this.#request.once('response', resolve));
    this.#request.end(body);
    return await Promise.race([head, this.#failure.promise]);
  }

  /** Hands over the answer piece by piece; returns at its end, throws where it is cut. */
  async read(answer: IncomingMessage, onText: (text: string) => void): Promise<void> {
    answer.setEncoding('utf8');
    const end = new Promise<void>((resolve, reject) => {
      answer.once('end', resolve);
      answer.on('error', (error) => this.#fail(new ApiUnreachableError(this.#what, error)));
      answer.once('close', () => {
        if (!answer.complete)
          this.#fail(new ApiUnreachableError(this.#what, new Error('the answer was cut')));
      });
      answer.on('data', (text: string) => {
        try {
          onText(text);
        } catch (error) {
          this.#request.destroy();
          reject(error);
        }
      });
    });
    await Promise.race([end, this.#failure.promise]);
  }

  /** The whole answer as text of at most `limit` characters. */
  async readAll(answer: IncomingMessage, limit: number): Promise<string> {
    const parts: string[] = [];
    let length = 0;
    await this.read(answer, (text) => {
      length += text.length;
      if (length > limit) throw new ApiAnswerError(this.#what, `an answer of more than ${limit} characters`);
      parts.push(text);
    });
    return parts.join('');
  }

  /** Starts the deadline anew with this much time. */
  extend(deadline: Millis): void {
    clearTimeout(this.#timer);
    this.#timer = this.#arm(deadline);
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    this.#signal?.removeEventListener('abort', this.#abort);
  }

  readonly #abort = (): void => this.#fail(new ApiAbortedError(this.#what));

  #arm(deadline: Millis): NodeJS.Timeout {
    return setTimeout(() => this.#fail(new ApiDeadlineError(this.#what, deadline)), Math.max(0, deadline));
  }

  #fail(error: Error): void {
    if (this.#failed !== null) return;
    this.#failed = error;
    this.#failure.reject(error);
    this.#request.destroy();
  }
}
