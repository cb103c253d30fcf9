import type { MemberName } from '../ha/member.ts';
import { elapsed, type Instant } from '../ha/units.ts';
import type { Workload } from '../kubernetes/workload.ts';

/** How often the pod is looked up (milliseconds): nobody else tells a process that its pod is gone. */
const AGAIN = 20_000;

/**
 * Whether this process outlived its pod: one that was force-deleted while its kubelet was away runs on, unseen by every
 * Service, and keeps the volume from the pod that has its name now.
 */
export class OwnPod {
  readonly #workload: Workload;
  readonly #member: MemberName;
  readonly #uid: string;
  #lookedAt: Instant | null = null;
  #missed = 0;

  /** `uid`: by the downward API. */
  constructor(workload: Workload, member: MemberName, uid: string) {
    this.#workload = workload;
    this.#member = member;
    this.#uid = uid;
  }

  /** True once two looks in a row have found no pod of that name, or another. Throws the client's errors. */
  async isGone(now: Instant): Promise<boolean> {
    if (elapsed(this.#lookedAt, now) < AGAIN) return false;
    this.#lookedAt = now;
    const [pod] = await this.#workload.pods([this.#member]);
    this.#missed = pod === undefined || pod.uid === this.#uid ? 0 : this.#missed + 1;
    return this.#missed >= 2;
  }
}
