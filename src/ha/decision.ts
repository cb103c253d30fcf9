import type { Lsn } from './lsn.ts';
import type { MemberIncarnation, MemberName } from './member.ts';
import type { ClusterRecord, Cohort, Floor } from './record.ts';
import type { Epoch, Millis, TimelineId } from './units.ts';

/** How a win is justified. */
export type Proof = 'promises' | 'own' | 'handed-over' | 'expired' | 'person';

/**
 * What one round of the loop does. `reason` is a sentence for people; it is logged and shown, and never parsed.
 * Decisions that start a long work (`initialize`, `clone`, `start-standby`, …) return at once; the work is seen
 * as a task in the next view.
 */
export type Decision = { readonly reason: string } & (
  | { readonly kind: 'wait' }
  /** A state that a person should look at; nothing is changed. */
  | { readonly kind: 'problem'; readonly code: string; readonly remedy: string }
  | { readonly kind: 'create-record'; readonly record: ClusterRecord }
  | { readonly kind: 'swap-record'; readonly record: ClusterRecord; readonly change: RecordChange }
  | { readonly kind: 'initialize' }
  | { readonly kind: 'begin-first-epoch' }
  | { readonly kind: 'start-primary'; readonly cohort: Cohort }
  | { readonly kind: 'start-standby' }
  | { readonly kind: 'follow'; readonly primary: MemberIncarnation; readonly floor: Floor }
  | { readonly kind: 'unfollow' }
  | { readonly kind: 'raise-floor'; readonly floor: Floor }
  | { readonly kind: 'look' }
  | {
      readonly kind: 'recruit';
      readonly epoch: Epoch;
      readonly from: readonly MemberName[];
      readonly repair: boolean;
      /** Enough members answer: it prepares its promotion while they are asked. Null: they do not. */
      readonly prepares: Cohort | null;
    }
  | { readonly kind: 'abandon-recruit' }
  | { readonly kind: 'yield'; readonly to: MemberName; readonly epoch: Epoch }
  | { readonly kind: 'catch-up'; readonly from: MemberIncarnation; readonly to: Lsn }
  | {
      readonly kind: 'win';
      readonly proof: Proof;
      readonly record: ClusterRecord;
      readonly resourceVersion: string | null;
    }
  | {
      readonly kind: 'promote';
      readonly epoch: Epoch;
      readonly timeline: TimelineId;
      readonly cohort: Cohort;
    }
  | {
      readonly kind: 'write-epoch-row';
      readonly epoch: Epoch;
      readonly timeline: TimelineId;
      readonly cohort: Cohort;
    }
  | { readonly kind: 'settle'; readonly record: ClusterRecord }
  | { readonly kind: 'mark-settled'; readonly epoch: Epoch; readonly timeline: TimelineId }
  /** `mark`: the settled mark that is written first, where the WAL has none for this epoch. */
  | {
      readonly kind: 'open-door';
      readonly mark: { readonly epoch: Epoch; readonly timeline: TimelineId } | null;
    }
  | { readonly kind: 'close-door' }
  | { readonly kind: 'set-names'; readonly cohort: Cohort }
  | { readonly kind: 'prove-names'; readonly cohort: Cohort; readonly before: Cohort }
  /** Before a planned end, while clients are still served. */
  | { readonly kind: 'checkpoint' }
  | { readonly kind: 'announce-end'; readonly record: ClusterRecord }
  | { readonly kind: 'stop'; readonly mode: 'fast' | 'immediate' | 'kill'; readonly demotion: boolean }
  | { readonly kind: 'release'; readonly record: ClusterRecord }
  | { readonly kind: 'rewind'; readonly from: MemberIncarnation; readonly switchLsn: Lsn }
  | { readonly kind: 'clone'; readonly from: MemberIncarnation }
  | { readonly kind: 'hold-members'; readonly duration: Millis }
  /** A recovery in place: the data goes out of the way; what is half-made goes. */
  | { readonly kind: 'set-aside'; readonly id: string; readonly generation: number }
  /** It was abandoned: what was set aside comes back, as data of this life of the cluster. */
  | {
      readonly kind: 'bring-back';
      readonly id: string;
      readonly generation: number;
      /** What is in place is the data of before: it was never set aside. */
      readonly inPlace: boolean;
    }
  /** What was set aside goes for good. */
  | { readonly kind: 'drop-kept'; readonly id: string }
  /** The agent ends; `leavesPostgres`: running, for the next agent. */
  | { readonly kind: 'exit'; readonly leavesPostgres: boolean }
);

export type DecisionKind = Decision['kind'];

/** Why a primary writes the record. */
export type RecordChange =
  | 'restart'
  | 'publish-cohort'
  | 'self-bump'
  | 'repair'
  | 'adopt'
  | 'withdraw'
  | 'bootstrap'
  | 'recover'
  | 'abandon';

export const wait = (reason: string): Decision => ({ kind: 'wait', reason });
