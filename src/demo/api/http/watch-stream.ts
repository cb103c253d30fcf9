import type { ServerResponse } from 'node:http';
import { emptyStruct } from '../decode/decode.ts';
import type { Kind } from '../kinds/kind.ts';
import { apiVersionOf } from '../kinds/kind.ts';
import { type ApiObject, atVersion } from '../objects.ts';
import type { ListOptions } from '../operations/list-options.ts';
import { tableOf } from '../operations/target.ts';
import { expired } from '../status.ts';
import type { Change } from '../store/change.ts';
import type { Store } from '../store/store.ts';
import { startStream } from './reply.ts';

/** A client that has not read this many bytes is cut off; it will list and watch again. */
const MOST_UNREAD = 16 * 1024 * 1024;
const BOOKMARK_EVERY = 60_000;
/** The last bookmark comes this long before the end, in milliseconds. */
const BOOKMARK_BEFORE_END = 2_000;
/** A watch without a timeout ends after 30 to 60 minutes, so that clients spread over servers in the long run. */
const DEFAULT_TIMEOUT = 30 * 60_000;
const LONGEST_TIMER = 2 ** 31 - 1;

/**
 * Serves one watch until its time is over, the client goes, or `signal` ends it.
 * The store must have reached the resourceVersion that `sendInitialEvents` asks for.
 */
export function serveWatch(
  store: Store,
  kind: Kind,
  namespace: string | null,
  options: ListOptions,
  response: ServerResponse,
  signal: AbortSignal,
): Promise<void> {
  startStream(response);
  const stream = new WatchStream(store, kind, namespace, options, response);
  return stream.serve(signal);
}

class WatchStream {
  readonly #store: Store;
  readonly #kind: Kind;
  readonly #namespace: string | null;
  readonly #options: ListOptions;
  readonly #response: ServerResponse;
  /** The revision up to which the client has seen everything. */
  #seen = 0;

  constructor(
    store: Store,
    kind: Kind,
    namespace: string | null,
    options: ListOptions,
    response: ServerResponse,
  ) {
    this.#store = store;
    this.#kind = kind;
    this.#namespace = namespace;
    this.#options = options;
    this.#response = response;
  }

  async serve(signal: AbortSignal): Promise<void> {
    const { promise: over, resolve: end } = Promise.withResolvers<void>();
    // No await between the start and the subscription: no change can fall in between.
    if (!this.#start()) {
      this.#response.end();
      return;
    }
    const unsubscribe = this.#store.subscribe((change) => this.#onChange(change));
    const timeout = this.#timeout();
    const timers = [setTimeout(end, timeout), ...this.#bookmarkTimers(timeout)];
    const ended = (): void => end();
    this.#response.once('close', ended);
    signal.addEventListener('abort', ended, { once: true });
    if (signal.aborted || this.#response.destroyed) end();
    try {
      await over;
    } finally {
      unsubscribe();
      for (const timer of timers) clearTimeout(timer);
      signal.removeEventListener('abort', ended);
      this.#response.off('close', ended);
      this.#response.end();
    }
  }

  /** What happened until now. False: the asked version is too old, and the client has been told. */
  #start(): boolean {
    const { resourceVersion, sendInitialEvents } = this.#options;
    const fromNow = resourceVersion === null || resourceVersion === 0;
    const initial = sendInitialEvents ?? fromNow;
    if (initial) {
      for (const object of this.#store.list(tableOf(this.#kind), this.#namespace)) {
        if (this.#options.selects(object)) this.#send('ADDED', object);
      }
      this.#seen = this.#store.revision;
      if (this.#options.bookmarks) this.#bookmark({ 'k8s.io/initial-events-end': 'true' });
      return true;
    }
    this.#seen = fromNow ? this.#store.revision : resourceVersion;
    const missed = this.#store.changesSince(this.#seen);
    if (missed === null) {
      this.#write({
        type: 'ERROR',
        object: expired(`too old resource version: ${this.#seen} (${this.#store.historyFloor})`),
      });
      return false;
    }
    for (const change of missed) this.#onChange(change);
    return true;
  }

  #onChange({ revision, key, type, object, previous }: Change): void {
    if (revision <= this.#seen) return;
    this.#seen = revision;
    if (key.resource !== tableOf(this.#kind)) return;
    if (this.#namespace !== null && key.namespace !== this.#namespace) return;
    const before = previous !== null && this.#options.selects(previous);
    const now = type === 'put' && this.#options.selects(object);
    if (now) this.#send(before ? 'MODIFIED' : 'ADDED', object);
    // What leaves the selection is deleted for this watch: its last state in it, under the new revision.
    else if (before) this.#send('DELETED', atVersion(previous, revision));
  }

  #send(type: 'ADDED' | 'MODIFIED' | 'DELETED', object: ApiObject): void {
    this.#write({ type, object });
  }

  #bookmark(annotations?: Record<string, string>): void {
    const metadata = {
      resourceVersion: String(this.#seen),
      ...(annotations === undefined ? {} : { annotations }),
    };
    this.#write({
      type: 'BOOKMARK',
      object: {
        kind: this.#kind.kind,
        apiVersion: apiVersionOf(this.#kind),
        ...emptyStruct(this.#kind.schema),
        metadata,
      },
    });
  }

  #write(event: object): void {
    if (this.#response.writableLength > MOST_UNREAD) {
      this.#response.destroy();
      return;
    }
    this.#response.write(`${JSON.stringify(event)}\n`);
  }

  #timeout(): number {
    const { timeoutSeconds } = this.#options;
    if (timeoutSeconds !== null && timeoutSeconds > 0) return Math.min(timeoutSeconds * 1000, LONGEST_TIMER);
    return DEFAULT_TIMEOUT * (1 + Math.random());
  }

  #bookmarkTimers(timeout: number): readonly NodeJS.Timeout[] {
    if (!this.#options.bookmarks) return [];
    const bookmark = (): void => this.#bookmark();
    const every = setInterval(bookmark, BOOKMARK_EVERY);
    return timeout > BOOKMARK_BEFORE_END
      ? [every, setTimeout(bookmark, timeout - BOOKMARK_BEFORE_END)]
      : [every];
  }
}
