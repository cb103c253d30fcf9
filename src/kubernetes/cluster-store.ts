import type { MemberName } from '../ha/member.ts';
import type { ClusterRecord, MemberRecord } from '../ha/record.ts';
import { type Instant, type Millis, millis } from '../ha/units.ts';
import type { ApiAnswer } from './api-call.ts';
import { saysAbsent } from './api-status.ts';
import type { ApiClient } from './client.ts';
import { type Clock, systemClock } from './clock.ts';
import { ApiStatusError, KubernetesError, RecordMalformedError } from './errors.ts';
import { decodeMember, decodeRecord, encodeMember, encodeRecord } from './lease-codec.ts';
import { CLUSTER_LABEL, KIND_LABEL, type LeasePlace, memberLeaseName } from './lease-envelope.ts';
import { LeaseMemory } from './lease-memory.ts';
import { LeaseWatch } from './lease-watch.ts';
import type { Logger } from './log.ts';
import type { ClusterStore, ReadResult, StoreListener, SwapResult } from './ports.ts';
import { property, type WireLease } from './wire.ts';

export interface LeaseStoreOptions {
  readonly client: ApiClient;
  readonly namespace: string;
  readonly cluster: string;
  /** Labels that every Lease carries besides our own. */
  readonly labels?: Readonly<Record<string, string>>;
  readonly log: Logger;
  readonly clock?: Clock;
  /** For the times in the Lease, which are for people only. */
  readonly wallClock?: () => Date;
  readonly random?: () => number;
  /** Shared with other stores of the same cluster. */
  readonly memory?: LeaseMemory;
}

/** The Leases of one cluster: the record `<cluster>` and a Lease `<cluster>-<member>` for each member. */
export class LeaseClusterStore implements ClusterStore {
  readonly #client: ApiClient;
  readonly #place: LeasePlace;
  readonly #log: Logger;
  readonly #clock: Clock;
  readonly #wallClock: () => Date;
  readonly #random: () => number;
  readonly #memory: LeaseMemory;

  constructor(options: LeaseStoreOptions) {
    this.#client = options.client;
    this.#place = {
      namespace: options.namespace,
      cluster: options.cluster,
      labels: options.labels ?? {},
    };
    this.#log = options.log;
    this.#clock = options.clock ?? systemClock;
    this.#wallClock = options.wallClock ?? (() => new Date());
    this.#random = options.random ?? Math.random;
    this.#memory = options.memory ?? new LeaseMemory();
  }

  /** A GET without resourceVersion: the API server asks a quorum of etcd. A Lease that is another's is `unknown`. */
  async read(deadline: Millis, signal?: AbortSignal): Promise<ReadResult> {
    const sentAt = this.#clock.now();
    try {
      const answer = await this.#get(this.#place.cluster, deadline, signal);
      const current = decodeRecord(answer.body, this.#place);
      return { outcome: 'found', current, sentAt: answer.sentAt };
    } catch (error) {
      if (saysAbsent(error, this.#place.cluster)) return { outcome: 'absent', sentAt };
      if (error instanceof RecordMalformedError && error.resourceVersion !== '') {
        return { outcome: 'unreadable', resourceVersion: error.resourceVersion, error, sentAt };
      }
      return { outcome: 'unknown', error: expected(error) };
    }
  }

  async create(record: ClusterRecord, deadline: Millis, signal?: AbortSignal): Promise<SwapResult> {
    const { namespace } = this.#place;
    const body = encodeRecord(record, this.#place, this.#wallClock(), null);
    return await this.#written(() =>
      this.#client.request({ verb: 'create', resource: 'leases', namespace, body }, deadline, signal),
    );
  }

  /**
   * Replaces the record if it still has that version. Where this store has not seen the version, it reads the
   * Lease first (and finds a conflict there): an update must not drop what others keep in it, and it must name the
   * Lease's uid, since a PUT with a resourceVersion alone *creates* a Lease that was deleted meanwhile (1.34).
   */
  async swap(
    next: ClusterRecord,
    resourceVersion: string,
    deadline: Millis,
    signal?: AbortSignal,
  ): Promise<SwapResult> {
    const { namespace, cluster } = this.#place;
    const start = this.#clock.now();
    return await this.#written(async () => {
      let base = this.#memory.get(cluster, resourceVersion);
      if (base === null) {
        await this.#get(cluster, deadline, signal);
        base = this.#memory.get(cluster, resourceVersion);
        if (base === null) return 'conflict';
      }
      const body = encodeRecord(next, this.#place, this.#wallClock(), base);
      return await this.#client.request(
        { verb: 'update', resource: 'leases', namespace, name: cluster, body },
        this.#left(start, deadline),
        signal,
      );
    });
  }

  /** Throws the client's errors, also when others wrote this Lease in between for the whole deadline. */
  async writeMember(record: MemberRecord, deadline: Millis, signal?: AbortSignal): Promise<void> {
    const name = memberLeaseName(this.#place.cluster, record.member);
    const start = this.#clock.now();
    for (;;) {
      const base = await this.#find(name, this.#left(start, deadline), signal);
      const body = encodeMember(record, this.#place, this.#wallClock(), base);
      const call = base === null ? { verb: 'create' as const } : { verb: 'update' as const, name };
      try {
        await this.#client.request(
          { ...call, resource: 'leases', namespace: this.#place.namespace, body },
          this.#left(start, deadline),
          signal,
        );
        return;
      } catch (error) {
        // Created, changed or deleted since we looked: this member's word about itself is the newest all the same.
        if (!isStatus(error, 409) && !saysAbsent(error, name)) throw error;
      }
    }
  }

  /** A member that is not there is a success. Throws the client's errors. */
  async removeMember(member: MemberName, deadline: Millis, signal?: AbortSignal): Promise<void> {
    const name = memberLeaseName(this.#place.cluster, member);
    const { namespace } = this.#place;
    try {
      await this.#client.request({ verb: 'delete', resource: 'leases', namespace, name }, deadline, signal);
    } catch (error) {
      if (!saysAbsent(error, name)) throw error;
    }
  }

  /** Throws the client's errors, and RecordMalformedError: a member may not be overlooked because it is unreadable. */
  async listMembers(deadline: Millis, signal?: AbortSignal): Promise<readonly MemberRecord[]> {
    const { namespace, cluster } = this.#place;
    const query = { labelSelector: `${CLUSTER_LABEL}=${cluster},${KIND_LABEL}=member` };
    const answer = await this.#client.request(
      { verb: 'list', resource: 'leases', namespace, query },
      deadline,
      signal,
    );
    const items = property(answer.body, 'items');
    return (Array.isArray(items) ? items : []).map((item: unknown) => decodeMember(item, this.#place));
  }

  async watch(listener: StoreListener, signal: AbortSignal): Promise<void> {
    const watch = new LeaseWatch({
      client: this.#client,
      place: this.#place,
      memory: this.#memory,
      clock: this.#clock,
      random: this.#random,
      log: this.#log,
    });
    await watch.run(listener, signal);
  }

  async #get(name: string, deadline: Millis, signal: AbortSignal | undefined): Promise<ApiAnswer> {
    const { namespace } = this.#place;
    const answer = await this.#client.request(
      { verb: 'get', resource: 'leases', namespace, name },
      deadline,
      signal,
    );
    this.#memory.keep(answer.body);
    return answer;
  }

  async #find(name: string, deadline: Millis, signal: AbortSignal | undefined): Promise<WireLease | null> {
    try {
      return (await this.#get(name, deadline, signal)).body as WireLease;
    } catch (error) {
      if (saysAbsent(error, name)) return null;
      throw error;
    }
  }

  /** What a write of the record came to. Whatever does not tell for sure is `unknown`. */
  async #written(write: () => Promise<ApiAnswer | 'conflict'>): Promise<SwapResult> {
    try {
      const answer = await write();
      if (answer === 'conflict') return { outcome: 'conflict' };
      this.#memory.keep(answer.body);
      const current = decodeRecord(answer.body, this.#place);
      return { outcome: 'swapped', current, sentAt: answer.sentAt };
    } catch (error) {
      if (isStatus(error, 409) || saysAbsent(error, this.#place.cluster)) return { outcome: 'conflict' };
      return { outcome: 'unknown', error: expected(error) };
    }
  }

  #left(start: Instant, deadline: Millis): Millis {
    return millis(deadline - (this.#clock.now() - start));
  }
}

function isStatus(error: unknown, status: number): boolean {
  return error instanceof ApiStatusError && error.status === status;
}

/** Only what the API may do to us is an outcome; a fault of this program stays an exception. */
function expected(error: unknown): KubernetesError {
  if (error instanceof KubernetesError) return error;
  throw error;
}
