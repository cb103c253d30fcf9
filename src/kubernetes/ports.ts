import type { MemberName } from '../ha/member.ts';
import type { Role } from '../ha/peer.ts';
import type { ClusterRecord, MemberRecord, VersionedRecord } from '../ha/record.ts';
import type { Instant, Millis } from '../ha/units.ts';

/** The outcome of a compare-and-swap of the cluster record. */
export type SwapResult =
  | { readonly outcome: 'swapped'; readonly current: VersionedRecord; readonly sentAt: Instant }
  /** 409: somebody else wrote in between (or it exists already, on create). */
  | { readonly outcome: 'conflict' }
  /** No answer, or an answer that does not tell (a 5xx): it may or may not have happened. */
  | { readonly outcome: 'unknown'; readonly error: Error };

/** The outcome of a direct GET (no resourceVersion). */
export type ReadResult =
  | { readonly outcome: 'found'; readonly current: VersionedRecord; readonly sentAt: Instant }
  | { readonly outcome: 'absent'; readonly sentAt: Instant }
  /** It is there, and says nothing that can be read (an edit by hand): as good as absent, but written over, not created. */
  | {
      readonly outcome: 'unreadable';
      readonly resourceVersion: string;
      readonly error: Error;
      readonly sentAt: Instant;
    }
  | { readonly outcome: 'unknown'; readonly error: Error };

/** The Leases of one cluster. Every call has a deadline of its own; nothing here retries a swap. */
export interface ClusterStore {
  read(deadline: Millis, signal?: AbortSignal): Promise<ReadResult>;
  create(record: ClusterRecord, deadline: Millis, signal?: AbortSignal): Promise<SwapResult>;
  swap(
    next: ClusterRecord,
    resourceVersion: string,
    deadline: Millis,
    signal?: AbortSignal,
  ): Promise<SwapResult>;
  /** Creates or replaces this member's Lease. */
  writeMember(record: MemberRecord, deadline: Millis, signal?: AbortSignal): Promise<void>;
  removeMember(member: MemberName, deadline: Millis, signal?: AbortSignal): Promise<void>;
  /** Every member's Lease, by a direct LIST (no resourceVersion): a repair asks it. */
  listMembers(deadline: Millis, signal?: AbortSignal): Promise<readonly MemberRecord[]>;
  /**
   * Lists and watches the Leases of the cluster until `signal` ends it, again and again (410, cuts, bookmarks),
   * with growing pauses after errors. `onRecord(null)`: the record was deleted, is absent from a list, or cannot be read.
   */
  watch(listener: StoreListener, signal: AbortSignal): Promise<void>;
}

export interface StoreListener {
  onRecord(current: VersionedRecord | null): void;
  /** Null: that member's Lease was deleted. */
  onMember(member: MemberName, record: MemberRecord | null): void;
  /** The API answered (true), or a watch or list failed (false). */
  onReachable(reachable: boolean): void;
}

/** Best effort: failures are logged and retried by the caller's next look, never thrown into the loop. */
export interface ClusterAnnouncer {
  /** Sets `pgwarden.dev/role` on this pod, or removes it (`none`). */
  labelRole(member: MemberName, role: Role, signal?: AbortSignal): Promise<void>;
  /** Removes `pgwarden.dev/role` from the pod of a replaced primary, if it still says `primary`. */
  unlabelPrimary(member: MemberName, signal?: AbortSignal): Promise<void>;
  event(event: {
    readonly type: 'Normal' | 'Warning';
    readonly reason: string;
    readonly message: string;
  }): Promise<void>;
}
