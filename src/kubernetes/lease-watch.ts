import type { MemberName } from '../ha/member.ts';
import { type Millis, millis } from '../ha/units.ts';
import { statusError } from './api-status.ts';
import { backoffPause, WATCH_BACKOFF } from './backoff.ts';
import type { ApiClient } from './client.ts';
import type { Clock } from './clock.ts';
import { ApiAnswerError, ApiStatusError, KubernetesError, RecordMalformedError } from './errors.ts';
import { decodeMember, decodeRecord } from './lease-codec.ts';
import { CLUSTER_LABEL, type LeasePlace, memberOfLease } from './lease-envelope.ts';
import type { LeaseMemory } from './lease-memory.ts';
import type { Logger } from './log.ts';
import type { StoreListener } from './ports.ts';
import { property, textProperty } from './wire.ts';

const LIST_DEADLINE: Millis = millis(10_000);
const OPEN_WITHIN: Millis = millis(10_000);
/** Above the minute after which kube-apiserver sends a bookmark on a watch that has nothing to tell. */
const SILENCE: Millis = millis(90_000);
/** The server ends a watch after this, and up to a minute more so that members do not come back together. */
const WATCH_SECONDS = 240;
/** A watch that lasted less than this counts as a failure: no hot loop against a server that ends each at once. */
const HEALTHY: Millis = millis(5_000);
/** The longest time that a server may ask us to stay away (Retry-After). */
const RETRY_AFTER_LIMIT: Millis = millis(10_000);

export interface LeaseWatchOptions {
  readonly client: ApiClient;
  readonly place: LeasePlace;
  readonly memory: LeaseMemory;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
}

/**
 * One list and one watch over all Leases of a cluster, resumed from the last version seen. Latency hints only: who
 * decides about leadership reads the record directly.
 */
export class LeaseWatch {
  readonly #options: LeaseWatchOptions;
  /** The last version delivered of each Lease, by name. */
  readonly #known = new Map<string, string>();
  /** Where the next watch starts; null: list first. */
  #resumeAt: string | null = null;
  #listedOnce = false;

  constructor(options: LeaseWatchOptions) {
    this.#options = options;
  }

  /** Returns when `signal` aborts. Only faults of this program and of the listener are thrown. */
  async run(listener: StoreListener, signal: AbortSignal): Promise<void> {
    const { clock, log, random } = this.#options;
    let failures = 0;
    while (!signal.aborted) {
      const start = clock.now();
      let error: KubernetesError | null = null;
      try {
        if (this.#resumeAt === null) await this.#list(listener, signal);
        await this.#watch(listener, signal);
      } catch (caught) {
        if (!(caught instanceof KubernetesError)) throw caught;
        error = caught;
      }
      if (signal.aborted) return;
      if (isExpired(error)) this.#resumeAt = null;
      else if (error !== null) {
        log.warn({ event: 'kubernetes.watch.failed', failures, err: error }, error.message);
        listener.onReachable(false);
      }
      if (clock.now() - start >= HEALTHY) failures = 0;
      else failures += 1;
      // An old version, and the regular end of a long watch, ask for another at once.
      if (failures === 0 || (failures === 1 && isExpired(error))) continue;
      const pause = Math.max(backoffPause(failures, WATCH_BACKOFF, random()), retryAfter(error));
      await clock.sleep(millis(pause), signal);
    }
  }

  async #list(listener: StoreListener, signal: AbortSignal): Promise<void> {
    const { client, place } = this.#options;
    const answer = await client.request(
      {
        verb: 'list',
        resource: 'leases',
        namespace: place.namespace,
        query: { labelSelector: this.#selector },
      },
      LIST_DEADLINE,
      signal,
    );
    const items = property(answer.body, 'items');
    const version = textProperty(answer.body, 'metadata', 'resourceVersion');
    if (!Array.isArray(items) || version === '') throw new ApiAnswerError('list leases', 'not a LeaseList');
    listener.onReachable(true);
    const present = new Set<string>();
    for (const item of items) {
      present.add(textProperty(item, 'metadata', 'name'));
      this.#deliver(item, listener);
    }
    for (const name of [...this.#known.keys()]) if (!present.has(name)) this.#forget(name, listener);
    // An absent record is news too, once, although nothing was there to forget.
    if (!this.#listedOnce && !present.has(place.cluster)) listener.onRecord(null);
    this.#listedOnce = true;
    this.#resumeAt = version;
  }

  async #watch(listener: StoreListener, signal: AbortSignal): Promise<void> {
    const { client, place, random } = this.#options;
    await client.stream(
      {
        verb: 'watch',
        resource: 'leases',
        namespace: place.namespace,
        query: {
          labelSelector: this.#selector,
          watch: 'true',
          allowWatchBookmarks: 'true',
          resourceVersion: this.#resumeAt ?? '',
          timeoutSeconds: String(Math.round(WATCH_SECONDS + 60 * random())),
        },
      },
      { openWithin: OPEN_WITHIN, silence: SILENCE, signal },
      () => listener.onReachable(true),
      (line) => this.#event(line, listener),
    );
  }

  #event(line: string, listener: StoreListener): void {
    const event = parse(line);
    const object = property(event, 'object');
    const type = property(event, 'type');
    if (type === 'ERROR') {
      const code = property(object, 'code');
      const { namespace } = this.#options.place;
      throw statusError(
        { verb: 'watch', resource: 'leases', namespace },
        typeof code === 'number' ? code : 500,
        object,
      );
    }
    const version = textProperty(object, 'metadata', 'resourceVersion');
    if (version === '')
      throw new ApiAnswerError('watch leases', `an event without a version: ${String(type)}`);
    if (type === 'DELETED') this.#forget(textProperty(object, 'metadata', 'name'), listener);
    else if (type === 'ADDED' || type === 'MODIFIED') this.#deliver(object, listener);
    this.#resumeAt = version;
    listener.onReachable(true);
  }

  #deliver(lease: unknown, listener: StoreListener): void {
    const { place, memory, log } = this.#options;
    const name = textProperty(lease, 'metadata', 'name');
    const version = textProperty(lease, 'metadata', 'resourceVersion');
    if (this.#known.get(name) === version) return;
    this.#known.set(name, version);
    try {
      if (name === place.cluster) {
        const current = decodeRecord(lease, place);
        memory.keep(lease);
        listener.onRecord(current);
        return;
      }
      const member = memberOfLease(place.cluster, name);
      if (member !== null) listener.onMember(member, decodeMember(lease, place));
    } catch (error) {
      if (!(error instanceof KubernetesError)) throw error;
      // Of a member what was known stays: a broken edit is neither news nor a deletion.
      log.error({ event: 'kubernetes.lease.unreadable', lease: name, err: error }, error.message);
      // A record is as good as gone: a direct read confirms it.
      if (name === place.cluster && error instanceof RecordMalformedError) listener.onRecord(null);
    }
  }

  #forget(name: string, listener: StoreListener): void {
    if (!this.#known.delete(name)) return;
    if (name === this.#options.place.cluster) {
      listener.onRecord(null);
      return;
    }
    const member: MemberName | null = memberOfLease(this.#options.place.cluster, name);
    if (member !== null) listener.onMember(member, null);
  }

  get #selector(): string {
    return `${CLUSTER_LABEL}=${this.#options.place.cluster}`;
  }
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch (cause) {
    throw new ApiAnswerError('watch leases', 'an event that is not JSON', { cause });
  }
}

/** 410: the server no longer has the events since that version. */
function isExpired(error: KubernetesError | null): boolean {
  return error instanceof ApiStatusError && error.status === 410;
}

function retryAfter(error: KubernetesError | null): Millis {
  const seconds = error instanceof ApiStatusError ? (error.details.retryAfterSeconds ?? 0) : 0;
  return millis(Math.min(seconds * 1000, RETRY_AFTER_LIMIT));
}
