import type { Lsn } from './lsn.ts';
import type { Incarnation, MemberIncarnation, MemberName } from './member.ts';
import type { Epoch, Millis, TimelineId } from './units.ts';

/** The standbys `S` whose acknowledgement counts, and how many of them (`k`) a commit waits for: `ANY k (S)`. */
export interface Cohort {
  readonly members: readonly MemberIncarnation[];
  readonly acks: number;
}

/** The last settled epoch: what any takeover must recruit. */
export interface Settled {
  readonly epoch: Epoch;
  /** Null only before the first epoch settled, or after a repair from nothing. */
  readonly primary: MemberIncarnation | null;
  /** The timeline of that epoch: an epoch that a holder gave itself keeps it. */
  readonly timeline: TimelineId;
  readonly cohort: readonly MemberIncarnation[];
  readonly acks: number;
}

/** A planned end of the primary: until `holder` releases, nobody but the target recruits. */
export interface Ending {
  readonly target: MemberIncarnation;
  /** Why: shown in events and the history. */
  readonly cause: 'switchover' | 'shutdown' | 'restart' | 'fence';
}

/** A switchover that somebody asked for. */
export interface SwitchoverRequest {
  /** Null: the best standby. */
  readonly target: MemberName | null;
  /** RFC 3339; null: now. Compared with the primary's wall clock (a wish, not a safety rule). */
  readonly at: string | null;
  readonly requestedAt: string;
}

/** One line of the history of primaries. */
export interface HistoryEntry {
  readonly epoch: Epoch;
  readonly timeline: TimelineId;
  readonly primary: MemberIncarnation;
  /** RFC 3339, the primary's wall clock; for people only. */
  readonly at: string;
  readonly cause: string;
  /** Where this epoch's history leaves the one before; null where it is not known. */
  readonly switchLsn: Lsn | null;
}

/** Where a recovery in place stops. `value`: a time, an LSN, a transaction, a name; empty for the others. */
export interface RecoveryGoal {
  readonly kind: 'latest' | 'immediate' | 'time' | 'lsn' | 'xid' | 'name';
  readonly value: string;
  /** To just before it. */
  readonly exclusive: boolean;
}

export const RECOVERY_STATES = ['stopping', 'recovering', 'serving', 'abandoning'] as const;

/** What a recovery in place needs to go back: the record as it was. */
export interface BeforeRecovery {
  readonly generation: number;
  readonly systemIdentifier: string;
  readonly settled: Settled;
  readonly highestTimeline: TimelineId;
  readonly flushLsn: Lsn;
  readonly history: readonly HistoryEntry[];
}

/** Where a recovery in place stands still at its goal, read-only, for a person to look. */
export interface RecoveryPause {
  /** RFC 3339. */
  readonly at: string;
  /** Of the socket by which the machine of `RecoveryOperation.by` is let in. */
  readonly socketDirectory: string;
}

/** A recovery in place: the whole cluster goes back to a point of its own archive. One at a time. */
export interface RecoveryOperation {
  readonly id: string;
  readonly state: (typeof RECOVERY_STATES)[number];
  readonly goal: RecoveryGoal;
  /** As planned: what became the newest since is not meant. */
  readonly timeline: TimelineId;
  readonly backup: string;
  /** The member that carries it on. */
  readonly by: MemberName;
  /** RFC 3339, for people only. */
  readonly at: string;
  /** Whether it stands still at its goal until a person says how it goes on. */
  readonly pauses: boolean;
  /** Null: it does not stand there (yet, or any more). */
  readonly paused: RecoveryPause | null;
  readonly before: BeforeRecovery;
}

/**
 * The cluster record: what the Lease `<cluster>` says. `epoch` is the Lease's `leaseTransitions`, `holder` its
 * `holderIdentity`, `leaseDuration` its `leaseDurationSeconds`; everything else is one annotation.
 */
export interface ClusterRecord {
  readonly clusterUID: string;
  /** The life of the cluster: one up with each recovery in place, and with its abandonment. */
  readonly generation: number;
  /** `system_identifier` of pg_control_system(); empty until the first initdb is done. */
  readonly systemIdentifier: string;
  readonly epoch: Epoch;
  /**
   * One up with every write that changes whom a takeover must recruit (`settled`). An older copy of the same epoch is
   * told from the record by it.
   */
  readonly revision: number;
  /** `pod/podUID/bootNonce`, or empty: released. */
  readonly holder: string;
  readonly primary: MemberIncarnation | null;
  readonly timeline: TimelineId;
  /** The highest timeline ever reserved. */
  readonly highestTimeline: TimelineId;
  readonly settled: Settled;
  /** Members kept down, or `*` for all. */
  readonly fenced: readonly string[];
  readonly ending: Ending | null;
  readonly paused: boolean;
  /** The primary's flush LSN as of this renewal: for asynchronous mode. */
  readonly flushLsn: Lsn;
  readonly switchover: SwitchoverRequest | null;
  /** The newest last; bounded. */
  readonly history: readonly HistoryEntry[];
  readonly leaseDuration: Millis;
  /** Absent: the cluster is not being taken back. */
  readonly recovery?: RecoveryOperation;
  /** The recovery in place that a person confirmed last: what members keep for it may go. */
  readonly confirmed?: string;
}

/** A cluster record together with the version that a compare-and-swap must name. */
export interface VersionedRecord {
  readonly record: ClusterRecord;
  readonly resourceVersion: string;
}

/** Properties that a person gives a member. */
export interface MemberTags {
  /** Becomes primary only where nobody else can get what it alone holds, and until another has it. */
  readonly nofailover: boolean;
  /** Never in a cohort. */
  readonly nosync: boolean;
  /** Higher is preferred among equal positions. */
  readonly priority: number;
}

/** What the Lease `<cluster>-<member>` says: how to reach a member, and what it holds. Written when it changes. */
export interface MemberRecord {
  readonly member: MemberName;
  /** Null: no data directory. */
  readonly incarnation: Incarnation | null;
  readonly systemIdentifier: string;
  /** Where the other members reach its Postgres and its agent. */
  readonly host: string;
  readonly postgresPort: number;
  readonly httpPort: number;
  readonly https: boolean;
  readonly floor: Floor | null;
  readonly tags: MemberTags;
}

/** The highest epoch that a member led or followed. Kept beside PGDATA, written before it connects or promotes. */
export interface Floor {
  readonly epoch: Epoch;
  readonly primary: MemberIncarnation;
  /** The newest revision of the record that it saw in this epoch. */
  readonly revision: number;
}

/** The newest record of a cluster that a member saw, whether it followed it or not. Told to peers, and kept on disk. */
export interface Seen {
  readonly clusterUID: string;
  readonly epoch: Epoch;
  readonly revision: number;
}
