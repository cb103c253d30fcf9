import { millis } from '../ha/units.ts';
import type { View } from '../ha/view.ts';
import type { Clock } from '../kubernetes/clock.ts';
import { KubernetesError } from '../kubernetes/errors.ts';
import type { ClusterAnnouncer } from '../kubernetes/ports.ts';
import type { Workload } from '../kubernetes/workload.ts';
import type { Log } from './log.ts';
import { nextReplacement } from './next-replacement.ts';
import { roleOf } from './status.ts';

/** Between two looks (milliseconds): where nothing is to do, and during a rollout. */
const IDLE = 15_000;
const BUSY = 2_000;

export interface RolloutOptions {
  readonly workload: Workload;
  readonly announcer: ClusterAnnouncer;
  readonly clock: Clock;
  readonly log: Log;
  view(): View | null;
  mode(): 'automatic' | 'supervised';
}

/** Brings the pods to the StatefulSet's newest template, where that leaves it to the members (`OnDelete`). */
export class Rollout {
  readonly #options: RolloutOptions;
  #waiting: string | null = null;
  #failure: string | null = null;

  constructor(options: RolloutOptions) {
    this.#options = options;
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock, view, log } = this.#options;
    while (!signal.aborted) {
      const now = view();
      let busy = false;
      if (now !== null && roleOf(now) === 'primary' && now.record.apiReachable) {
        try {
          busy = await this.#step(now, signal);
          this.#failure = null;
        } catch (error) {
          if (!(error instanceof KubernetesError)) throw error;
          if (error.message !== this.#failure && !signal.aborted)
            log.warn({ event: 'rollout.failed', err: error }, `${error.message} ${error.remedy}`);
          this.#failure = error.message;
        }
      }
      await clock.sleep(millis(busy ? BUSY : IDLE), signal);
    }
  }

  /** Whether a rollout is under way. */
  async #step(view: View, signal: AbortSignal): Promise<boolean> {
    const { workload, announcer, log, mode } = this.#options;
    const wanted = await workload.wantedRevision(signal);
    if (wanted === null) return false;
    const known = new Set([...view.settings.expectedMembers, ...view.members.map(({ member }) => member)]);
    const pods = await workload.pods([...known], signal);
    // A member that is expected and has no pod: being replaced. Without either it was scaled away.
    const expected = pods.filter(
      ({ member, revision }) => revision !== null || view.settings.expectedMembers.includes(member),
    );
    const next = nextReplacement(this.#options.view() ?? view, wanted, expected, mode());
    if (next.kind === 'none') {
      this.#waiting = null;
      return false;
    }
    if (next.kind === 'wait') {
      if (next.reason !== this.#waiting)
        log.info(
          { event: 'rollout.waits', revision: wanted },
          `The rollout of ${wanted} waits: ${next.reason}`,
        );
      this.#waiting = next.reason;
      return true;
    }
    const { member } = next.pod;
    const gone = await workload.evict(next.pod, signal);
    const message = gone
      ? `${member} gets the pod template ${wanted}: ${next.reason}`
      : `${member} may not be evicted now (its PodDisruptionBudget, or somebody was faster)`;
    if (gone || message !== this.#waiting) {
      log.info({ event: gone ? 'rollout.evicted' : 'rollout.waits', pod: member, revision: wanted }, message);
      if (gone) await announcer.event({ type: 'Normal', reason: 'RollingUpdate', message });
    }
    this.#waiting = gone ? null : message;
    return true;
  }
}
