import type { MemberName } from '../ha/member.ts';
import type { Role } from '../ha/peer.ts';
import { type Instant, type Millis, millis } from '../ha/units.ts';
import type { ApiClient } from './client.ts';
import type { Clock } from './clock.ts';

/** Services select pods by it: `primary`, `standby`, or absent. */
export const ROLE_LABEL = 'pgwarden.dev/role';

const DEADLINE: Millis = millis(3_000);
/** A label that somebody changed behind our back is set again after this at the latest. */
const REASSERT_AFTER: Millis = millis(30_000);

interface PodState {
  wanted: Role;
  /** What the API last accepted, and when. */
  accepted: { readonly role: Role; readonly at: Instant } | null;
  /** The request in flight and whatever follows it. */
  work: Promise<void> | null;
}

/** This process's own pod; an empty uid: not known. */
export interface OwnPod {
  readonly member: MemberName;
  readonly uid: string;
}

interface PodBody {
  readonly metadata?: {
    readonly resourceVersion?: string;
    readonly labels?: Readonly<Record<string, string>>;
  };
}

/**
 * The role labels of pods. One request a pod at a time, and the newest wish wins: two in flight could arrive in
 * the wrong order. A role that the API accepted a moment ago is not sent again.
 */
export class RoleLabels {
  readonly #client: ApiClient;
  readonly #namespace: string;
  readonly #clock: Clock;
  readonly #own: OwnPod;
  readonly #pods = new Map<MemberName, PodState>();

  constructor(client: ApiClient, namespace: string, clock: Clock, own: OwnPod) {
    this.#client = client;
    this.#namespace = namespace;
    this.#clock = clock;
    this.#own = own;
  }

  /** Resolves when the pod has the newest wanted role. Throws the client's errors. */
  async set(member: MemberName, role: Role, signal?: AbortSignal): Promise<void> {
    const pod = this.#pods.get(member) ?? { wanted: role, accepted: null, work: null };
    this.#pods.set(member, pod);
    pod.wanted = role;
    pod.work ??= this.#apply(member, pod, signal).finally(() => {
      pod.work = null;
    });
    await pod.work;
  }

  /**
   * Removes the label from a pod that still says `primary`; one that says something else has spoken for itself since,
   * and would not say it again for a while. Throws the client's errors.
   */
  async takePrimary(member: MemberName, signal?: AbortSignal): Promise<void> {
    const pod = { resource: 'pods', namespace: this.#namespace, name: member } as const;
    const { body } = await this.#client.request({ verb: 'get', ...pod }, DEADLINE, signal);
    const { metadata } = body as PodBody;
    if (metadata?.labels?.[ROLE_LABEL] !== 'primary') return;
    // Only this version of it: whoever changed it meanwhile knows better (409).
    const { resourceVersion } = metadata;
    const change = { metadata: { resourceVersion, labels: { [ROLE_LABEL]: null } } };
    await this.#client.request({ verb: 'patch', ...pod, body: change }, DEADLINE, signal);
  }

  async #apply(member: MemberName, pod: PodState, signal: AbortSignal | undefined): Promise<void> {
    while (!this.#isFresh(pod)) {
      const role = pod.wanted;
      await this.#client.request(
        {
          verb: 'patch',
          resource: 'pods',
          namespace: this.#namespace,
          name: member,
          body: {
            metadata: {
              ...this.#precondition(member),
              labels: { [ROLE_LABEL]: role === 'none' ? null : role },
            },
          },
        },
        DEADLINE,
        signal,
      );
      pod.accepted = { role, at: this.#clock.now() };
    }
  }

  /** A pod that was force-deleted may run on, and another has its name: its role is not that one's (409). */
  #precondition(member: MemberName): { readonly uid?: string } {
    return member === this.#own.member && this.#own.uid !== '' ? { uid: this.#own.uid } : {};
  }

  #isFresh(pod: PodState): boolean {
    const { accepted, wanted } = pod;
    return accepted !== null && accepted.role === wanted && this.#clock.now() - accepted.at < REASSERT_AFTER;
  }
}
