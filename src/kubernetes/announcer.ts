import type { MemberName } from '../ha/member.ts';
import type { Role } from '../ha/peer.ts';
import type { ApiClient } from './client.ts';
import { type Clock, systemClock } from './clock.ts';
import { KubernetesError } from './errors.ts';
import { EventRecorder, type EventSubject, type RecordedEvent } from './event-recorder.ts';
import type { Logger } from './log.ts';
import type { ClusterAnnouncer } from './ports.ts';
import { RoleLabels } from './role-labels.ts';

export interface AnnouncerOptions {
  readonly client: ApiClient;
  readonly namespace: string;
  /** This pod: Events are about it. */
  readonly member: MemberName;
  /** The pod's UID (downward API); empty where it is not known. */
  readonly podUID: string;
  readonly log: Logger;
  readonly clock?: Clock;
  readonly wallClock?: () => Date;
}

/** Tells Kubernetes who is what: role labels for Services, and Events for people. Never throws into the loop. */
export class PodAnnouncer implements ClusterAnnouncer {
  readonly #labels: RoleLabels;
  readonly #events: EventRecorder;
  readonly #log: Logger;

  constructor(options: AnnouncerOptions) {
    const clock = options.clock ?? systemClock;
    const subject: EventSubject = {
      apiVersion: 'v1',
      kind: 'Pod',
      namespace: options.namespace,
      name: options.member,
      uid: options.podUID,
    };
    this.#log = options.log;
    this.#labels = new RoleLabels(options.client, options.namespace, clock, {
      member: options.member,
      uid: options.podUID,
    });
    this.#events = new EventRecorder({
      client: options.client,
      subject,
      reporter: options.member,
      clock,
      wallClock: options.wallClock ?? (() => new Date()),
      log: options.log,
    });
  }

  /**
   * Labels any pod of the cluster. May be called at every look: a role that the API accepted within the last 30 s
   * costs no request. A failure is logged, and the next call tries again.
   */
  async labelRole(member: MemberName, role: Role, signal?: AbortSignal): Promise<void> {
    await this.#attempt(member, role, this.#labels.set(member, role, signal));
  }

  /** Takes `primary` from another's pod, unless that pod has said something else since. */
  async unlabelPrimary(member: MemberName, signal?: AbortSignal): Promise<void> {
    await this.#attempt(member, 'none', this.#labels.takePrimary(member, signal));
  }

  async #attempt(member: MemberName, role: Role, work: Promise<void>): Promise<void> {
    try {
      await work;
    } catch (error) {
      if (!(error instanceof KubernetesError)) throw error;
      this.#log.warn({ event: 'kubernetes.label.failed', pod: member, role, err: error }, error.message);
    }
  }

  async event(event: RecordedEvent): Promise<void> {
    await this.#events.record(event);
  }
}
