import type { Lsn } from './lsn.ts';
import type { MemberIncarnation, MemberName } from './member.ts';
import type { InstanceState, PeerState, PromiseAnswer, TimelineFork } from './peer.ts';
import type { ClusterRecord, Floor, MemberRecord, MemberTags, Seen, VersionedRecord } from './record.ts';
import type { Epoch, Instant, Millis, TimelineId } from './units.ts';

/** A row of `pgwarden.epoch`: the first commit of an epoch; `settled` marks it settled in band. */
export interface EpochRow {
  readonly epoch: Epoch;
  readonly primary: MemberIncarnation;
  readonly timeline: TimelineId;
  readonly settled: boolean;
}

/** A walsender of the local Postgres (pg_stat_replication). */
export interface Walsender {
  /** Its application_name, which for members is their identity. */
  readonly identity: string;
  readonly pid: number;
  readonly streaming: boolean;
  /** It holds a replication slot: no second one of this member can stream beside it. */
  readonly hasSlot: boolean;
  readonly syncState: string;
  readonly sentLsn: Lsn;
  readonly flushLsn: Lsn;
  readonly replayLsn: Lsn;
  /** When `reply_time` was last seen to change, by this machine's monotonic clock. */
  readonly repliedAt: Instant;
}

/** The WAL receiver of a standby (pg_stat_wal_receiver). */
export interface WalReceiver {
  readonly pid: number;
  readonly streaming: boolean;
  /** The last message from the sender, by this machine's monotonic clock. */
  readonly heardAt: Instant;
  readonly timeline: TimelineId;
}

/** What a running, answering Postgres says. */
export interface ServerView {
  readonly inRecovery: boolean;
  /** In recovery: a promotion was asked for and is under way. */
  readonly promoting: boolean;
  /** The timeline of its last WAL: written (primary), or received or found in pg_wal (standby). */
  readonly timeline: TimelineId;
  readonly forks: readonly TimelineFork[];
  /** Flushed WAL: of its own (primary), received or replayed (standby). */
  readonly flushLsn: Lsn;
  readonly replayLsn: Lsn;
  /** A standby without a receiver has replayed all its local WAL. */
  readonly atEndOfWal: boolean;
  readonly checkpointTimeline: TimelineId;
  readonly receiver: WalReceiver | null;
  /** Whom `primary_conninfo` names in effect; null: empty. */
  readonly follows: MemberIncarnation | null;
  readonly synchronousStandbyNames: string;
  readonly walsenders: readonly Walsender[];
  readonly lastRow: EpochRow | null;
  /** The highest epoch with a settled mark. */
  readonly settledEpoch: Epoch;
  /** False only when it is proven closed. */
  readonly doorOpen: boolean;
  /** The last change of the door was not carried to its end: it may be open or closed. */
  readonly doorInDoubt: boolean;
  /** Roles, application database and the pgwarden schema exist. */
  readonly prepared: boolean;
  readonly commitsWaiting: number;
  readonly replayLag: Millis | null;
}

/** The control file of a stopped instance. */
export interface ControlFile {
  readonly systemIdentifier: string;
  /** `Database cluster state` of pg_controldata. */
  readonly state:
    | 'starting up'
    | 'shut down'
    | 'shut down in recovery'
    | 'shutting down'
    | 'in crash recovery'
    | 'in archive recovery'
    | 'in production'
    | 'unrecognized';
  readonly checkpointTimeline: TimelineId;
  readonly checkpointLsn: Lsn;
  /** The end of the shutdown checkpoint record, where `state` is `shut down`. */
  readonly shutdownEndLsn: Lsn | null;
}

/** A long work of the agent; it runs beside the loop and is seen in the view. */
export interface Task {
  readonly kind:
    | 'initialize'
    | 'clone'
    | 'rewind'
    | 'start'
    | 'stop'
    | 'promote'
    | 'epoch-row'
    | 'prepare'
    | 'recruit'
    | 'prove-names'
    | 'checkpoint'
    | 'set-aside'
    | 'bring-back'
    | 'drop-kept';
  /** What it is for, e.g. the epoch of the row or the names to prove. */
  readonly of: string;
  readonly startedAt: Instant;
  readonly outcome: 'running' | 'done' | 'failed';
  readonly error: string | null;
}

/** What a recovery in place has made of this member's data. */
export interface Kept {
  /** The operation. */
  readonly id: string;
  /** `aside`: out of the way, nothing is in its place. `back`: in its place again. Else: a move was cut off. */
  readonly phase: 'moving' | 'aside' | 'returning' | 'back';
  /** The life of the cluster that it is of. */
  readonly generation: number;
}

/** The local instance as last observed. */
export interface LocalView {
  readonly state: InstanceState;
  readonly observedAt: Instant;
  /** `broken`: a rewind or clone was interrupted; it may only be cloned anew. */
  readonly data: 'empty' | 'present' | 'broken';
  readonly systemIdentifier: string;
  readonly clusterUID: string | null;
  /** The life of the cluster that the data belongs to; null: it belongs to no cluster yet, or there is none. */
  readonly generation: number | null;
  /** What a recovery in place set aside on this volume; null: nothing. */
  readonly kept: Kept | null;
  readonly identity: MemberIncarnation | null;
  readonly floor: Floor | null;
  /**
   * Data that was restored from an archive to begin a cluster, and has not led or followed since: the highest epoch in
   * it, which is another cluster's. Null: it was not restored, or it is this cluster's by now.
   */
  readonly inherited: Epoch | null;
  readonly promise: Epoch;
  /** Which epoch each timeline was reserved for, as far as this member learned it. */
  readonly timelineEpochs: Readonly<Record<number, Epoch>>;
  /** Nothing of this directory runs, in any container: the lock could be taken. */
  readonly provenDead: boolean;
  readonly control: ControlFile | null;
  /** The end of local WAL of a stopped instance; known after a clean stop or from its last run. */
  readonly timeline: TimelineId;
  readonly endOfWal: Lsn;
  readonly forks: readonly TimelineFork[];
  /** The upstream said that WAL which this standby needs is removed: it can only be cloned anew. */
  readonly walRemoved: boolean;
  /** Replay stands still: a setting that must not be lower than the primary's is. A restart takes up the primary's. */
  readonly settingsTooLow: boolean;
  /** Null: not running, or it did not answer. */
  readonly server: ServerView | null;
  /** Since when it did not answer, or commits waited for a local flush that stands still, although it runs; null: neither. */
  readonly silentSince: Instant | null;
}

/** The last answer of a peer, and how long ago it tried and failed. */
export interface PeerView {
  readonly member: MemberName;
  readonly state: PeerState | null;
  /** When `state` was asked for (sent), null: never answered. */
  readonly answeredAt: Instant | null;
  /** The last attempt ended: answered, connection refused (nobody listens), or nothing came. */
  readonly last: 'answered' | 'refused' | 'silent' | 'fault' | 'never';
  readonly lastAt: Instant | null;
  /** Its Postgres port: refuses connections (nobody listens), accepts, or unknown. Probed only under suspicion. */
  readonly postgres: 'accepts' | 'refused' | 'unknown';
}

/** A recruitment that this member runs. */
export interface Recruitment {
  readonly epoch: Epoch;
  readonly startedAt: Instant;
  /** The record that the arithmetic is made with, and when the GET that brought it was sent. */
  readonly base: VersionedRecord;
  readonly baseAt: Instant;
  readonly answers: readonly PromiseAnswer[];
  /** Every asked member has answered, refused or run out of time. */
  readonly complete: boolean;
  /** The best, which may not lead, no longer has the WAL that this member needs to catch up with it. */
  readonly walGone: boolean;
}

/** What is known of the cluster record. */
export interface RecordView {
  /** Null: absent (when `known`), or never seen. */
  readonly current: VersionedRecord | null;
  /** The API has told whether there is one. */
  readonly known: boolean;
  /** When the record was last seen to *change*, by this machine's monotonic clock. */
  readonly changedAt: Instant | null;
  /** When the present epoch was first seen. */
  readonly epochSeenAt: Instant | null;
  /** When the last successful direct GET was sent. */
  readonly readAt: Instant | null;
  /** Since when it is seen to be absent, or unreadable. */
  readonly absentSince: Instant | null;
  /** The resourceVersion of a record that is there and cannot be read (`current` is null then): it is written over. */
  readonly unreadable: string | null;
  /** The last record that was valid for this member: what it holds or follows by. */
  readonly lastValid: ClusterRecord | null;
  /** The newest record that this process itself saw. */
  readonly seen: Seen | null;
  /** A newer one that a peer saw: a direct read since it told that did not find it. */
  readonly told: Seen | null;
  readonly apiReachable: boolean;
}

/** What this member holds as the primary. */
export interface HoldView {
  /** `pod/podUID/bootNonce` of this agent. */
  readonly holder: string;
  /** When the last successful update of the record under this holder was sent. */
  readonly renewedAt: Instant | null;
  /** Renewals are permitted: no demotion has begun. */
  readonly renewing: boolean;
  /** Since when this process runs its Postgres as primary; null: it does not. */
  readonly leadingSince: Instant | null;
  /** When each cohort member's walsender was last seen to reply, kept after the walsender is gone. */
  readonly replies: Readonly<Record<string, Instant>>;
  /** The names whose effect is proven (see `Changing the cohort`), as the text of the setting. */
  readonly provenNames: string | null;
  /** The LSN of the epoch row that Postgres acknowledged in this epoch; null: none yet. */
  readonly rowLsn: Lsn | null;
  /** Why this process won its present epoch, in a word: for the history. */
  readonly cause: string;
  /** When this process's Postgres was last proven dead; null: it never ran here, or runs. */
  readonly stoppedAt: Instant | null;
  /** When this process released the record; null: it did not, or somebody took it since. */
  readonly releasedAt: Instant | null;
  /** Asynchronous mode without the API: until when every eligible member promised not to acquire. */
  readonly heldUntil: Instant | null;
}

/** What this process wants or was told. */
export interface Wishes {
  /** SIGTERM: hand over, then stop. */
  readonly shutdown: boolean;
  readonly shutdownSince: Instant | null;
  /** Postgres can outlive this process (it is not a container's only one): under a pause a shutdown leaves it running. */
  readonly mayLeavePostgres: boolean;
  readonly restart: boolean;
  readonly reinitialize: boolean;
  /** A person's word where the proof is missing: `failover --accept-data-loss`. */
  readonly failover: { readonly acceptDataLoss: boolean; readonly since: Instant } | null;
  /** A peer withdrew in favour of this member. */
  readonly lead: { readonly epoch: Epoch; readonly at: Instant } | null;
  /** Until when this member promised not to acquire (asynchronous mode). */
  readonly heldUntil: Instant | null;
}

/** Settings that the rules need; durations in milliseconds. */
export interface HaSettings {
  readonly expectedMembers: readonly MemberName[];
  readonly durability: 'required' | 'preferred';
  /** Null: half of the standbys, rounded up. */
  readonly acks: number | null;
  readonly leaseDuration: Millis;
  readonly renewInterval: Millis;
  /** The bound on how far two monotonic clocks drift apart, e.g. 0.01. */
  readonly drift: number;
  readonly stopTimeout: Millis;
  readonly suspectAfter: Millis;
  readonly recruitTimeout: Millis;
  readonly staleReadBound: Millis;
  readonly hungAfter: Millis;
  readonly dropAfter: Millis;
  readonly stuckAfter: Millis;
  readonly maximumLagOnFailover: number;
  readonly tags: MemberTags;
}

/** Everything that a decision is made from: plain data. */
export interface View {
  readonly now: Instant;
  readonly startedAt: Instant;
  readonly self: MemberName;
  readonly settings: HaSettings;
  readonly local: LocalView;
  readonly record: RecordView;
  readonly hold: HoldView;
  readonly members: readonly MemberRecord[];
  readonly peers: readonly PeerView[];
  readonly recruitment: Recruitment | null;
  /** When the record's primary was last heard, by the WAL receiver or by its agent's word; kept after both ended. */
  readonly primaryHeardAt: Instant | null;
  /** Since when this member, and enough others, suspect the primary; null: they do not. */
  readonly suspectedSince: Instant | null;
  /** When its last recruitment failed; null: none did since the record changed epoch. */
  readonly failedRecruitAt: Instant | null;
  readonly tasks: readonly Task[];
  readonly wishes: Wishes;
  /** Random in [0, 1): drawn by the caller for this decision (staggering of candidates). */
  readonly chance: number;
  /** The wall clock, in milliseconds: only for what a person scheduled (a switchover), never for safety. */
  readonly wallClock: number;
}
