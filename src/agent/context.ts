import type { Lsn } from '../ha/lsn.ts';
import type { MemberName } from '../ha/member.ts';
import type { RecoveryOperation } from '../ha/record.ts';
import type { Instant, TimelineId } from '../ha/units.ts';
import type { HaSettings, Recruitment, View } from '../ha/view.ts';
import type { Clock } from '../kubernetes/clock.ts';
import type { LeaseKeeper } from '../kubernetes/lease-keeper.ts';
import type { ClusterAnnouncer, ClusterStore } from '../kubernetes/ports.ts';
import type { RecordWriter } from '../kubernetes/record-writer.ts';
import type { FillDirectory, PostgresInstance, ReportProgress, WorkProgress } from '../postgres/ports.ts';
import type { Hold } from './hold.ts';
import type { Log } from './log.ts';
import type { Peers } from './peers.ts';
import type { Poolers } from './poolers.ts';
import type { Promises } from './promises.ts';
import type { RecordTracker } from './record-tracker.ts';
import type { Tasks } from './tasks.ts';
import type { WishList } from './wishes.ts';

/** The parts that talk to the Kubernetes API; they come after Postgres was launched. */
export interface ApiParts {
  readonly store: ClusterStore;
  readonly writer: RecordWriter;
  readonly keeper: LeaseKeeper;
  readonly announcer: ClusterAnnouncer;
}

/** Everything that a round of the loop works with. */
export interface Context {
  readonly self: MemberName;
  readonly cluster: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly instance: PostgresInstance;
  readonly tracker: RecordTracker;
  readonly peers: Peers;
  readonly poolers: Poolers;
  readonly tasks: Tasks;
  readonly hold: Hold;
  readonly wishes: WishList;
  readonly promises: Promises;
  /** Where the cluster begins out of an archive: how its first member's directory is filled; null: by initdb. */
  readonly bootstrap: ((report: ReportProgress) => FillDirectory) | null;
  /** A recovery in place: how the directory is filled out of the cluster's own archive, on a timeline above `highest`. */
  recoverTo(operation: RecoveryOperation, highest: TimelineId, report: ReportProgress): FillDirectory;
  /**
   * Before this member's data is replaced: sets the WAL aside that only it may have and the archive lacks, up to the
   * point (null: any) where its history leaves the primary's. It fails in the log only. Null: there is no archive.
   */
  readonly keepWal: ((until: Lsn | null, signal: AbortSignal) => Promise<void>) | null;
  /** What `decide` sees of the settings, as they are now. */
  settings(): HaSettings;
  /** Null until the API client is loaded. */
  api(): ApiParts | null;
  recruitment: Recruitment | null;
  failedRecruitAt: Instant | null;
  /** The last clone found no room for the old data and the new. */
  volumeWasFull: boolean;
  /** Runs the loop again now. */
  wake(): void;
  /** From its return on nothing is renewed until the next win. */
  beginDemotion(): void;
  /** The door was opened: tell Kubernetes, and checkpoint in the background where this member leads. */
  onDoorOpened(view: View): void;
  /** How far a long work has come, for status pages. */
  progress(task: string, report: WorkProgress): void;
}
