import type { Lsn } from './lsn.ts';
import type { Incarnation, MemberIncarnation, MemberName } from './member.ts';
import type { Floor, MemberTags, Seen } from './record.ts';
import type { Epoch, Millis, TimelineId } from './units.ts';
import type { Kept } from './view.ts';

/** `(epoch, flushed LSN)`: the epoch for which the timeline of its last WAL was reserved comes first. */
export interface Position {
  readonly epoch: Epoch;
  readonly lsn: Lsn;
}

/** One fork in a timeline's history: the parent timeline ended at `switchLsn`. */
export interface TimelineFork {
  readonly timeline: TimelineId;
  readonly switchLsn: Lsn;
}

/** The role that a member plays for clients. */
export type Role = 'primary' | 'standby' | 'none';

/** Every state, for codecs, schemas and metrics. */
export const INSTANCE_STATES = [
  'empty',
  'initializing',
  'cloning',
  'rewinding',
  'stopped',
  'starting',
  'standby',
  'promoting',
  'primary',
  'stopping',
  'unknown',
] as const;

/** What a member does with its Postgres. `unknown`: it could not be learned. */
export type InstanceState = (typeof INSTANCE_STATES)[number];

/** What a member answers when a peer asks how it is (`GET /peer/v1/state`). */
export interface PeerState {
  readonly member: MemberName;
  readonly clusterUID: string | null;
  /** What a recovery in place made of its data; null: nothing. Absent: an agent that does not know of such. */
  readonly kept?: Pick<Kept, 'id' | 'phase'> | null;
  readonly incarnation: Incarnation | null;
  readonly systemIdentifier: string;
  readonly state: InstanceState;
  /** The primary's own word that Postgres serves: it answered a query just now. */
  readonly serving: boolean;
  /** The door is open: clients are let in. */
  readonly open: boolean;
  readonly floor: Floor | null;
  /** The newest cluster record that it saw: who is shown an older one learns that it went backwards. */
  readonly seen: Seen | null;
  readonly promise: Epoch;
  /** The highest epoch that it settled or saw settled in the WAL that it holds. */
  readonly position: Position | null;
  readonly timeline: TimelineId;
  /** The forks that led to `timeline`, oldest first. */
  readonly forks: readonly TimelineFork[];
  /** The timeline in its control file: a rewind towards it waits until that is the promoted one. */
  readonly checkpointTimeline: TimelineId;
  readonly replayLsn: Lsn;
  /** The member that its WAL receiver streams from, while it streams. */
  readonly streamingFrom: MemberIncarnation | null;
  /** It heard the primary of its floor within `suspectAfter`. */
  readonly hearsPrimary: boolean;
  /** The end of the shutdown checkpoint of a cleanly stopped member (its control file says "shut down"). */
  readonly shutdownLsn: Lsn | null;
  readonly epochOfPrimary: Epoch;
  /** An unsettled primary that fewer than `k` of its history stream from asks the others to come back to it. */
  readonly asksToReturn: boolean;
  /** About to end: not a target of a switchover. */
  readonly ending: boolean;
  readonly tags: MemberTags;
  /** Lag of replay in milliseconds; null where it is unknown. */
  readonly replayLag: Millis | null;
}

/** "Take part in no epoch below this one" (`POST /peer/v1/promise`). */
export interface PromiseRequest {
  readonly clusterUID: string;
  readonly candidate: MemberIncarnation;
  readonly epoch: Epoch;
  /** The record's epoch that the candidate saw by a direct GET. */
  readonly recordEpoch: Epoch;
  /** The revision of that record. */
  readonly recordRevision: number;
  /** The life of the cluster that it is of; absent: the first. */
  readonly generation?: number;
}

export type PromiseAnswer =
  | {
      readonly granted: true;
      readonly identity: MemberIncarnation;
      readonly epoch: Epoch;
      readonly position: Position;
      /** It may become primary itself. */
      readonly mayLead: boolean;
      readonly priority: number;
      /** The settled epoch in band: the highest epoch whose settled mark its WAL holds. */
      readonly settledEpoch: Epoch;
    }
  | {
      readonly granted: false;
      readonly member: MemberName;
      /** A sentence for people. */
      readonly reason: string;
      /** Its promise: a candidate below it must ask for more. */
      readonly promise: Epoch;
      readonly floor: Floor | null;
    };

/** "You are ahead of me: lead" (`POST /peer/v1/lead`): a latency hint from a candidate that withdraws. */
export interface LeadRequest {
  readonly candidate: MemberIncarnation;
  readonly epoch: Epoch;
}

/** Asynchronous mode without the API: "do not acquire the Lease for so long" (`POST /peer/v1/hold`). */
export interface HoldRequest {
  readonly primary: MemberIncarnation;
  readonly epoch: Epoch;
  readonly duration: Millis;
}

export interface HoldAnswer {
  readonly granted: boolean;
  readonly identity: MemberIncarnation | null;
}
