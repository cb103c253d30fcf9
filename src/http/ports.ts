import type { Registry } from 'prom-client';
import type { Lsn } from '../ha/lsn.ts';
import type { MemberIncarnation, MemberName } from '../ha/member.ts';
import type {
  HoldAnswer,
  HoldRequest,
  InstanceState,
  LeadRequest,
  PeerState,
  PromiseAnswer,
  PromiseRequest,
  Role,
} from '../ha/peer.ts';
import type { Ending, HistoryEntry, MemberTags, SwitchoverRequest } from '../ha/record.ts';
import type { Epoch, Millis, TimelineId } from '../ha/units.ts';
import type { ArchiveReport } from './archive-report.ts';
import type { BackupReport } from './backup-report.ts';
import type { CatalogReport } from './catalog-report.ts';
import type { RecoveryReport } from './recovery-report.ts';
import type { BackupPort } from './routes-backup.ts';
import type { CatalogPort } from './routes-catalog.ts';
import type { RecoveryPort } from './routes-recovery.ts';

/** A long work in progress: initdb, clone, rewind, … */
export interface Progress {
  readonly task: string;
  readonly startedAt: string;
  /** Null where the total is not known. */
  readonly fraction: number | null;
  /** Bytes a second, of late; null: unknown. */
  readonly rate: number | null;
  /** Milliseconds to the end of this part of it, at that rate; null: unknown. */
  readonly remaining: number | null;
  readonly detail: string;
}

/** A walsender that a primary (or cascading standby) serves: a row of pg_stat_replication. */
export interface ReplicationStatus {
  readonly applicationName: string;
  readonly state: string;
  readonly syncState: string;
  readonly sentLsn: Lsn | null;
  readonly flushLsn: Lsn | null;
  readonly replayLsn: Lsn | null;
  readonly flushLag: Millis | null;
  readonly replayLag: Millis | null;
}

/** Everything that one member says of itself: `GET /v1/status`. */
export interface MemberStatus {
  readonly cluster: string;
  readonly namespace: string;
  readonly member: MemberName;
  readonly identity: MemberIncarnation | null;
  readonly version: string;
  readonly role: Role;
  readonly state: InstanceState;
  /** Clients are let in. */
  readonly open: boolean;
  readonly epoch: Epoch;
  readonly settledEpoch: Epoch;
  readonly timeline: TimelineId;
  /** Where WAL is written (primary), or received and flushed (standby). */
  readonly lsn: Lsn;
  readonly replayLsn: Lsn;
  readonly lagBytes: number | null;
  readonly replayLag: Millis | null;
  readonly systemIdentifier: string;
  readonly clusterUID: string | null;
  readonly primary: MemberIncarnation | null;
  readonly postgresVersion: string;
  /** server_version_num, 0 while unknown. */
  readonly postgresVersionNumber: number;
  readonly postgresPid: number | null;
  readonly postmasterStartedAt: string | null;
  readonly pendingRestart: readonly string[];
  readonly paused: boolean;
  readonly fenced: boolean;
  readonly ending: boolean;
  readonly cohort: readonly MemberIncarnation[];
  readonly acks: number;
  /** This member's acknowledgement counts (it is in the cohort), and how Postgres counts it. */
  readonly sync: 'sync' | 'quorum' | 'potential' | 'async' | null;
  readonly replication: readonly ReplicationStatus[];
  readonly streamingFrom: MemberIncarnation | null;
  readonly replicationState: 'streaming' | 'in archive recovery' | null;
  readonly tags: MemberTags;
  /** Time left of the permission to serve as primary; null on a standby. */
  readonly leaseMargin: Millis | null;
  /** When the API last answered; null: never. */
  readonly apiLastSeen: string | null;
  readonly lastDecision: { readonly kind: string; readonly reason: string; readonly at: string };
  readonly progress: Progress | null;
  /** The recovery in place of the whole cluster; null: there is none. */
  readonly recovery: RecoveryReport | null;
  /** Null: there is no archive, or it is not loaded yet. */
  readonly archive: ArchiveReport | null;
  /** Base backups. Null: as above. */
  readonly backup: BackupReport | null;
  /** What the archive holds, and the last drill, retention and verification. Null: as above. */
  readonly catalog: CatalogReport | null;
  /** Conditions that a person should look at, e.g. "data directory of another cluster": each with its remedy. */
  readonly problems: readonly { readonly code: string; readonly message: string; readonly remedy: string }[];
}

/** A member as the others see it: a row of `pgwarden status`. */
export interface ClusterMember {
  readonly name: MemberName;
  readonly identity: MemberIncarnation | null;
  readonly role: Role;
  readonly state: InstanceState | 'unreachable';
  readonly host: string;
  readonly port: number;
  readonly http: string;
  readonly timeline: TimelineId | null;
  readonly epoch: Epoch | null;
  readonly lagBytes: number | null;
  readonly replayLag: Millis | null;
  readonly sync: MemberStatus['sync'];
  /** A standby that streams from the primary of the current epoch. */
  readonly streaming: boolean;
  readonly fenced: boolean;
  readonly pendingRestart: boolean;
  readonly tags: MemberTags;
  readonly progress: Progress | null;
}

/** The whole cluster: `GET /v1/cluster`. */
export interface ClusterStatus {
  readonly cluster: string;
  readonly namespace: string;
  readonly clusterUID: string | null;
  readonly systemIdentifier: string;
  readonly epoch: Epoch;
  readonly settledEpoch: Epoch;
  readonly primary: MemberName | null;
  /** Unix time in seconds of this answer's freshest look at the record; null: never seen. */
  readonly seenAt: string | null;
  readonly timeline: TimelineId;
  readonly cohort: readonly MemberIncarnation[];
  readonly acks: number;
  readonly durability: 'required' | 'preferred';
  readonly paused: boolean;
  readonly fenced: readonly string[];
  readonly ending: Ending | null;
  readonly switchover: SwitchoverRequest | null;
  /** Null: the cluster is not being taken back. */
  readonly recovery: RecoveryReport | null;
  readonly members: readonly ClusterMember[];
}

/** A refusal of a control call. `code` is stable; `remedy` says what the person should do. */
export interface Refusal {
  readonly code: string;
  readonly message: string;
  readonly remedy: string;
}

export type ControlResult =
  | { readonly accepted: true; readonly message: string }
  | { readonly accepted: false; readonly status: 400 | 404 | 409 | 412 | 503; readonly refusal: Refusal };

/**
 * Changing calls. Each returns once the wish is recorded (in the cluster record, or at this agent); whether it
 * happened is seen in `/v1/cluster` and `/v1/status`. `member` may be this member or, through it, any other.
 */
export interface Control {
  switchover(request: { target: MemberName | null; at: string | null }): Promise<ControlResult>;
  cancelSwitchover(): Promise<ControlResult>;
  failover(request: { target: MemberName; acceptDataLoss: boolean }): Promise<ControlResult>;
  fence(member: MemberName | '*'): Promise<ControlResult>;
  unfence(member: MemberName | '*'): Promise<ControlResult>;
  pause(): Promise<ControlResult>;
  resume(): Promise<ControlResult>;
  /** `onlyPending`: only where a setting waits for a restart. */
  restart(request: { member: MemberName; onlyPending: boolean }): Promise<ControlResult>;
  reload(request: { member: MemberName }): Promise<ControlResult>;
  reinitialize(request: { member: MemberName }): Promise<ControlResult>;
}

/** 200: it is done. 410: not, and Postgres stops. Else not, with the reason for Postgres's log. */
export interface ArchiveAnswer {
  readonly status: number;
  readonly text: string;
  /** The archive itself says that it has no such file. */
  readonly absent?: true;
}

/**
 * What the HTTP server is given. Everything but `promise`, `archivePush`, `archiveFetch` and `control` answers at once from the last
 * observation: no route ever waits for Postgres.
 */
export interface AgentPort {
  readonly registry: Registry;
  status(): MemberStatus;
  cluster(): ClusterStatus;
  history(): readonly HistoryEntry[];
  /** The effective configuration without secrets. */
  configuration(): unknown;
  /** The three probes: whether to answer 200, and the sentence in the body. */
  probe(kind: 'startup' | 'ready' | 'live'): { readonly ok: boolean; readonly reason: string };
  peerState(): PeerState;
  promise(request: PromiseRequest, signal: AbortSignal): Promise<PromiseAnswer>;
  lead(request: LeadRequest): void;
  hold(request: HoldRequest): HoldAnswer;
  /** A pooler says whether its clients wait and none of their transactions runs. True: they should. */
  pooler(name: string, holds: boolean): boolean;
  /** For archive_command: archives a file of pg_wal; `gone`: nobody waits for the answer any more. */
  archivePush(file: string, gone: AbortSignal): Promise<ArchiveAnswer>;
  /** For restore_command: puts a file of the archive where the command takes it from. */
  archiveFetch(file: string, gone: AbortSignal): Promise<ArchiveAnswer>;
  readonly control: Control;
  readonly recovery: RecoveryPort;
  readonly backups: BackupPort;
  readonly catalog: CatalogPort;
}
