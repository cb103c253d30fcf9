import type { MemberIncarnation } from '../../ha/member.ts';
import { elapsed, type Instant } from '../../ha/units.ts';
import type { InstanceDeps, InstanceOptions, Upstream } from '../ports.ts';
import type { ServerMessage } from '../process/server-log.ts';
import { slotName } from '../settings/slot-name.ts';
import type { FactStore } from '../volume/fact-store.ts';
import type { VolumePaths } from '../volume/paths.ts';
import type { WalDirectory } from '../volume/wal-directory.ts';
import { bounded } from '../wait.ts';
import { removeDanglingPlaceholders } from './promote.ts';
import { type Running, reload } from './reload.ts';
import { syncSlots, type UpstreamSlots, upstreamSlots } from './slots.ts';

const UPSTREAM_BOUND_MS = 3_000;
const SETTLED_DOWN_AFTER_MS = 5_000;
const WAL_REMOVED = /requested WAL segment (\w+) has already been removed/;
/** Postgres asks the archive before it asks its upstream again: one that has the segment has brought it by then. */
const ARCHIVE_TRIED_MS = 15_000;
/** xlogrecovery.c, RecoveryRequiresIntParameter: replay is paused until the server is restarted. */
const TOO_LOW = /hot standby is not possible because of insufficient parameter settings/;
const MISSING_SLOT = /replication slot "([^"]+)" does not exist/;

/** Whom the standby follows, and by which slot. */
export class Following {
  readonly #running: Running;
  readonly #options: InstanceOptions;
  readonly #facts: FactStore;
  readonly #deps: InstanceDeps;
  readonly #flags: { walRemoved: boolean; settingsTooLow: boolean };
  readonly #paths: VolumePaths;
  readonly #wal: WalDirectory;
  /** Since when new segments may be sparse for a moment. */
  #sparseSince: Instant | null = null;
  #isSettingSparse = false;
  #mayFetch = false;
  /** The segment that the upstream no longer has, and since when the archive is asked for it. */
  #fetching: { readonly segment: string; readonly since: Instant } | null = null;
  /** The receiver that streamed at the last look, while the archive is asked. */
  #streamed: number | null = null;

  constructor(
    parts: Running & {
      readonly options: InstanceOptions;
      readonly facts: FactStore;
      readonly deps: InstanceDeps;
      readonly flags: { walRemoved: boolean; settingsTooLow: boolean };
      readonly paths: VolumePaths;
      readonly wal: WalDirectory;
    },
  ) {
    this.#running = parts;
    this.#options = parts.options;
    this.#facts = parts.facts;
    this.#deps = parts.deps;
    this.#flags = parts.flags;
    this.#paths = parts.paths;
    this.#wal = parts.wal;
  }

  /**
   * Sets primary_conninfo and reloads; null: nobody. Asks for the slot of this member until the upstream denies it.
   * `mayFetch`: where the upstream no longer has the WAL, the archive is asked before anything is given up.
   */
  async follow(upstream: Upstream | null, mayFetch: boolean): Promise<void> {
    this.#mayFetch = mayFetch;
    if (this.#followsAlready(upstream)) return;
    this.#flags.walRemoved = false;
    this.#fetching = null;
    this.#sparseSince = this.#deps.clock.now();
    // Of a promotion that came to nothing: a real history of such a number would not be fetched from the upstream.
    if (upstream !== null) await removeDanglingPlaceholders(this.#paths.wal, this.#wal);
    await reload(this.#running, {
      upstream,
      identity: this.#facts.memberIdentity,
      useSlot: upstream !== null,
      hurryReplay: upstream === null,
      sparseSegments: upstream !== null,
      fromArchive: false,
    });
  }

  /**
   * A server that archives switches to a new segment as it stops (xlog.c, ShutdownXLOG), with its shutdown checkpoint in
   * it: its successor waits for that segment on both sides. The checkpointer takes up the setting before it shuts down.
   */
  async expectSwitch(): Promise<void> {
    const { files, postmaster } = this.#running;
    if (this.#options.archiveCommand === undefined || postmaster.state.state !== 'running') return;
    const isExpected = files.wanted.sparseSegments || this.#isSettingSparse;
    this.#sparseSince = this.#deps.clock.now();
    if (isExpected) return;
    this.#isSettingSparse = true;
    try {
      await reload(this.#running, { sparseSegments: true });
    } finally {
      this.#isSettingSparse = false;
    }
  }

  /**
   * A receiver whose slot the upstream has not ends at once, every time: it streams without, until `syncSlots` finds
   * that the upstream has made one.
   */
  hearLog(message: ServerMessage): void {
    if (message.process === 'startup' && TOO_LOW.test(message.message)) this.#flags.settingsTooLow = true;
    if (message.process !== 'walreceiver') return;
    const removed = WAL_REMOVED.exec(message.message)?.[1];
    if (removed !== undefined) this.#walRemoved(removed);
    const { identity, useSlot, upstream } = this.#running.files.wanted;
    const missing = MISSING_SLOT.exec(message.message)?.[1];
    if (!useSlot || identity === null || missing !== slotName(identity)) return;
    this.#deps.logger.info(
      { event: 'slot_missing', slot: missing, upstream: upstream?.identity },
      'streaming without a slot',
    );
    reload(this.#running, { useSlot: false }).catch((error: unknown) => {
      this.#deps.logger.warn({ event: 'settings_not_written', error }, 'the slot could not be given up');
    });
  }

  /** The archive first, where there is one: only what it lacks too is gone for good. */
  #walRemoved(segment: string): void {
    const now = this.#deps.clock.now();
    if (!this.#mayFetch || this.#options.restoreCommand === undefined) {
      this.#flags.walRemoved = true;
      return;
    }
    if (this.#fetching?.segment === segment) {
      if (elapsed(this.#fetching.since, now) > ARCHIVE_TRIED_MS) this.#flags.walRemoved = true;
      return;
    }
    this.#fetching = { segment, since: now };
    if (this.#running.files.wanted.fromArchive) return;
    this.#deps.logger.info(
      { event: 'wal_from_archive', segment, upstream: this.#running.files.wanted.upstream?.identity },
      'the upstream no longer has the WAL: it is taken from the archive',
    );
    reload(this.#running, { fromArchive: true }).catch((error: unknown) => {
      this.#deps.logger.warn({ event: 'settings_not_written', error }, 'the archive could not be turned to');
    });
  }

  /** A receiver that was there at two looks streams: one that lacks WAL ends at once. */
  async #leaveArchive(signal: AbortSignal): Promise<void> {
    const [row] = await this.#running.server.query<{ pid: number }>(
      "select pid from pg_stat_wal_receiver where status = 'streaming'",
      [],
      signal,
    );
    const before = this.#streamed;
    this.#streamed = row?.pid ?? null;
    if (this.#streamed === null || this.#streamed !== before) return;
    this.#fetching = null;
    this.#streamed = null;
    await reload(this.#running, { fromArchive: false });
  }

  async syncSlots(identities: readonly MemberIncarnation[], signal: AbortSignal): Promise<void> {
    const { upstream, identity, useSlot } = this.#running.files.wanted;
    const others = identities.filter((other) => other !== identity);
    const theirs = upstream === null ? null : await this.#slotsOf(upstream, signal);
    await syncSlots(this.#running.server, others, theirs, signal);
    if (this.#running.files.wanted.sparseSegments && this.#isSettledDown)
      await reload(this.#running, { sparseSegments: false });
    if (this.#running.files.wanted.fromArchive) await this.#leaveArchive(signal);
    const mine = identity === null ? null : slotName(identity);
    if (useSlot || theirs === null || mine === null || !theirs.has(mine)) return;
    // Only if it still follows the one that was asked.
    if (this.#running.files.wanted.upstream === upstream) await reload(this.#running, { useSlot: true });
  }

  /** The segment that somebody waited for is there. */
  get #isSettledDown(): boolean {
    return elapsed(this.#sparseSince, this.#deps.clock.now()) > SETTLED_DOWN_AFTER_MS;
  }

  /** A repeated wish changes nothing: a reload would cost, and ask again for a slot that was denied. */
  #followsAlready(upstream: Upstream | null): boolean {
    const { files, postmaster } = this.#running;
    const now = files.wanted.upstream;
    return (
      postmaster.state.state === 'running' &&
      files.generation !== '' &&
      upstream !== null &&
      now !== null &&
      now.identity === upstream.identity &&
      now.host === upstream.host &&
      now.port === upstream.port
    );
  }

  async #slotsOf(upstream: Upstream, signal: AbortSignal): Promise<UpstreamSlots | null> {
    const { replication } = this.#options;
    const target = {
      host: upstream.host,
      port: upstream.port,
      user: replication.name,
      password: replication.password(),
    };
    try {
      return await upstreamSlots(target, bounded(UPSTREAM_BOUND_MS, signal));
    } catch (error) {
      // Without its word the slots stay where they are: they hold back more, never less.
      this.#deps.logger.debug(
        { event: 'upstream_slots_unknown', error },
        'the upstream does not tell its slots',
      );
      return null;
    }
  }
}
