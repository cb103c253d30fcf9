import type { MemberName } from '../ha/member.ts';
import { type Millis, millis } from '../ha/units.ts';
import { saysAbsent } from './api-status.ts';
import type { ApiClient } from './client.ts';
import { ApiStatusError } from './errors.ts';
import { property, textProperty } from './wire.ts';

const DEADLINE: Millis = millis(5_000);

/** A pod as a rollout sees it. */
export interface MemberPod {
  readonly member: MemberName;
  readonly uid: string;
  /** The revision of the StatefulSet that it was made from; null: there is no pod. */
  readonly revision: string | null;
  readonly terminating: boolean;
  readonly ready: boolean;
}

/** The StatefulSet of this cluster, and its pods. */
export interface Workload {
  /**
   * The revision that pods should have; null where nobody is to bring them there: there is no StatefulSet of that name,
   * or it replaces its pods by itself (`updateStrategy` is not `OnDelete`). Throws the client's errors.
   */
  wantedRevision(signal?: AbortSignal): Promise<string | null>;
  pods(members: readonly MemberName[], signal?: AbortSignal): Promise<readonly MemberPod[]>;
  /**
   * Asks for an eviction, which a PodDisruptionBudget may refuse: false. Only of that very pod, never of one that has
   * taken its name since. Throws the client's errors.
   */
  evict(pod: MemberPod, signal?: AbortSignal): Promise<boolean>;
}

export class StatefulSetWorkload implements Workload {
  readonly #client: ApiClient;
  readonly #namespace: string;
  readonly #name: string;

  constructor(client: ApiClient, place: { readonly namespace: string; readonly name: string }) {
    this.#client = client;
    this.#namespace = place.namespace;
    this.#name = place.name;
  }

  async wantedRevision(signal?: AbortSignal): Promise<string | null> {
    try {
      const { body } = await this.#client.request(
        { verb: 'get', resource: 'statefulsets', namespace: this.#namespace, name: this.#name },
        DEADLINE,
        signal,
      );
      if (textProperty(body, 'spec', 'updateStrategy', 'type') !== 'OnDelete') return null;
      // The controller has yet to look at the newest template.
      if (property(body, 'status', 'observedGeneration') !== property(body, 'metadata', 'generation'))
        return null;
      return textProperty(body, 'status', 'updateRevision') || null;
    } catch (error) {
      if (saysAbsent(error, this.#name, 'statefulsets')) return null;
      throw error;
    }
  }

  async pods(members: readonly MemberName[], signal?: AbortSignal): Promise<readonly MemberPod[]> {
    return await Promise.all(members.map((member) => this.#pod(member, signal)));
  }

  async evict(pod: MemberPod, signal?: AbortSignal): Promise<boolean> {
    const { member, uid } = pod;
    const body = {
      apiVersion: 'policy/v1',
      kind: 'Eviction',
      metadata: { name: member, namespace: this.#namespace },
      deleteOptions: { preconditions: { uid } },
    };
    try {
      await this.#client.request(
        { verb: 'create', resource: 'pods/eviction', namespace: this.#namespace, name: member, body },
        DEADLINE,
        signal,
      );
      return true;
    } catch (error) {
      // 429: the budget allows none now; 404 and 409: another pod is there, or none.
      if (error instanceof ApiStatusError && [404, 409, 429].includes(error.status)) return false;
      throw error;
    }
  }

  async #pod(member: MemberName, signal?: AbortSignal): Promise<MemberPod> {
    try {
      const { body } = await this.#client.request(
        { verb: 'get', resource: 'pods', namespace: this.#namespace, name: member },
        DEADLINE,
        signal,
      );
      const conditions = property(body, 'status', 'conditions');
      return {
        member,
        uid: textProperty(body, 'metadata', 'uid'),
        revision: textProperty(body, 'metadata', 'labels', 'controller-revision-hash'),
        terminating: property(body, 'metadata', 'deletionTimestamp') !== undefined,
        ready:
          Array.isArray(conditions) &&
          conditions.some(
            (condition) =>
              textProperty(condition, 'type') === 'Ready' && textProperty(condition, 'status') === 'True',
          ),
      };
    } catch (error) {
      if (!saysAbsent(error, member, 'pods')) throw error;
      return { member, uid: '', revision: null, terminating: false, ready: false };
    }
  }
}
