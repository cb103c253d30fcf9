import { randomBytes } from 'node:crypto';
import { type Instant, type Millis, millis } from '../ha/units.ts';
import { saysAbsent } from './api-status.ts';
import type { ApiClient } from './client.ts';
import type { Clock } from './clock.ts';
import type { Logger } from './log.ts';
import type { WireEvent } from './wire.ts';

const DEADLINE: Millis = millis(5_000);
/** Events that wait for the API; the oldest give way. */
const QUEUE_LIMIT = 64;
/** A repetition within this time counts up the event that there is. */
const SERIES: Millis = millis(10 * 60_000);
const SERIES_LIMIT = 32;
/** The API refuses longer messages in the newer form of Events. */
const MESSAGE_LIMIT = 1024;

/** What an Event is about: the pod, or the cluster's Lease. */
export interface EventSubject {
  readonly apiVersion: 'v1' | 'coordination.k8s.io/v1';
  readonly kind: 'Pod' | 'Lease';
  readonly namespace: string;
  readonly name: string;
  /** Empty where it is not known: kubectl finds the Event by name then. */
  readonly uid: string;
}

export interface RecordedEvent {
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  readonly message: string;
}

interface Series {
  readonly name: string;
  readonly lastAt: Instant;
  readonly count: number;
}

/** Writes core/v1 Events one after the other. Best effort: what fails is logged and dropped. */
export class EventRecorder {
  readonly #client: ApiClient;
  readonly #subject: EventSubject;
  readonly #reporter: string;
  readonly #clock: Clock;
  readonly #wallClock: () => Date;
  readonly #log: Logger;
  readonly #queue: RecordedEvent[] = [];
  readonly #series = new Map<string, Series>();
  #drain: Promise<void> | null = null;

  constructor(options: {
    readonly client: ApiClient;
    readonly subject: EventSubject;
    /** The pod that reports. */
    readonly reporter: string;
    readonly clock: Clock;
    readonly wallClock: () => Date;
    readonly log: Logger;
  }) {
    this.#client = options.client;
    this.#subject = options.subject;
    this.#reporter = options.reporter;
    this.#clock = options.clock;
    this.#wallClock = options.wallClock;
    this.#log = options.log;
  }

  /** Resolves when the queue is empty again; never rejects for a fault of the API. */
  async record(event: RecordedEvent): Promise<void> {
    if (this.#queue.length >= QUEUE_LIMIT) {
      const dropped = this.#queue.shift();
      this.#log.warn({ event: 'kubernetes.event.dropped', reason: dropped?.reason }, 'Too many Events wait');
    }
    this.#queue.push(event);
    this.#drain ??= this.#writeAll().finally(() => {
      this.#drain = null;
    });
    await this.#drain;
  }

  async #writeAll(): Promise<void> {
    for (let event = this.#queue.shift(); event !== undefined; event = this.#queue.shift()) {
      try {
        await this.#write(event);
      } catch (error) {
        const fields = { event: 'kubernetes.event.failed', reason: event.reason, err: error };
        this.#log.warn(fields, 'An Event could not be written');
      }
    }
  }

  async #write(event: RecordedEvent): Promise<void> {
    const key = JSON.stringify([event.type, event.reason, event.message]);
    const previous = this.#series.get(key);
    const now = this.#clock.now();
    if (previous !== undefined && now - previous.lastAt < SERIES) {
      const next = { name: previous.name, lastAt: now, count: previous.count + 1 };
      if (await this.#countUp(next)) {
        this.#remember(key, next);
        return;
      }
    }
    const name = `${this.#subject.name}.${randomBytes(8).toString('hex')}`;
    const { namespace } = this.#subject;
    const body = this.#newEvent(name, event);
    await this.#client.request({ verb: 'create', resource: 'events', namespace, body }, DEADLINE);
    this.#remember(key, { name, lastAt: now, count: 1 });
  }

  /** False: the Event is gone (the API keeps them for an hour by default). */
  async #countUp({ name, count }: Series): Promise<boolean> {
    const body = { count, lastTimestamp: timestamp(this.#wallClock()) };
    try {
      const { namespace } = this.#subject;
      await this.#client.request({ verb: 'patch', resource: 'events', namespace, name, body }, DEADLINE);
      return true;
    } catch (error) {
      if (saysAbsent(error, name, 'events')) return false;
      throw error;
    }
  }

  #newEvent(name: string, event: RecordedEvent): WireEvent {
    const now = timestamp(this.#wallClock());
    const { uid, ...subject } = this.#subject;
    return {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { name, namespace: this.#subject.namespace },
      involvedObject: uid === '' ? subject : { ...subject, uid },
      type: event.type,
      reason: event.reason,
      message: event.message.slice(0, MESSAGE_LIMIT),
      firstTimestamp: now,
      lastTimestamp: now,
      count: 1,
      source: { component: 'pgwarden', host: this.#reporter },
      reportingComponent: 'pgwarden.dev/agent',
      reportingInstance: this.#reporter,
    };
  }

  #remember(key: string, series: Series): void {
    this.#series.delete(key);
    this.#series.set(key, series);
    for (const oldest of this.#series.keys()) {
      if (this.#series.size <= SERIES_LIMIT) break;
      this.#series.delete(oldest);
    }
  }
}

/** A Kubernetes Time: RFC 3339 in whole seconds. */
function timestamp(now: Date): string {
  return now.toISOString().replace(/\.\d+Z$/, 'Z');
}
