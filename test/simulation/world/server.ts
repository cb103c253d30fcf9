import type { MemberIncarnation } from '../../../src/ha/member.ts';
import { timelineId } from '../../../src/ha/units.ts';
import { Process } from '../engine/scheduler.ts';
import type { Machine } from './machine.ts';
import { SimReceiver } from './receiver.ts';
import { parseNames, type SimWalsender, SyncRep } from './sync-rep.ts';
import type { Volume } from './volume.ts';
import {
  append,
  commonPrefix,
  type EpochRowContent,
  endOf,
  forksAfter,
  lsnOf,
  type Wal,
  type WalRecord,
} from './wal.ts';
import type { World } from './world.ts';

/** A client's or the agent's session: a backend. */
export interface Session {
  readonly backend: Process;
  readonly isAgent: boolean;
  onEnded: (() => void) | null;
}

export type StopMode = 'fast' | 'immediate' | 'kill';

let nextPid = 1;

/** A part of `dropAfter`: a primary knows of a reply by its next look, which may come late. */
const NEARLY = 0.8;

/** One run of Postgres in a member's data directory: postmaster, backends, checkpointer, walsenders, receiver. */
export class SimServer {
  readonly world: World;
  readonly machine: Machine;
  readonly volume: Volume;
  readonly identity: MemberIncarnation;
  readonly pid = nextPid++;
  /** Walsenders, receiver, startup and checkpointer; the postmaster and each backend are processes of their own. */
  readonly workers: Process;
  readonly postmaster: Process;
  readonly syncRep: SyncRep;
  readonly receiver: SimReceiver;
  readonly walsenders = new Set<SimWalsender>();
  readonly sessions = new Set<Session>();
  /** When each standby last replied. */
  readonly heardAt = new Map<string, number>();
  /** Since when each has replied again and again without a silence that a primary may drop it for. */
  readonly heardSince = new Map<string, number>();
  state: 'starting' | 'running' | 'stopping' | 'gone' = 'starting';
  inRecovery: boolean;
  wal: Wal;
  /** How many records are on disk, are replayed. */
  flushed: number;
  replayed: number;
  /** The setting as it is in the file, and as new backends get it. */
  namesInFile: string;
  namesInPostmaster: string;
  /** pg_hba.conf as the postmaster has read it. */
  admits = false;
  upstream: { readonly identity: string; readonly host: string } | null = null;
  checkpointTimeline: number;
  lastRow: EpochRowContent | null = null;
  settledEpoch = 0;
  replayHeld = false;
  /** Rows whose commit still waits: nobody sees them. */
  readonly #hidden = new Set<WalRecord>();
  #scanned = 0;
  #replaying = false;
  #startedChildren = 0;
  onExit: () => void = () => undefined;

  constructor(world: World, machine: Machine, names: string, asStandby: boolean) {
    const { volume } = machine;
    this.world = world;
    this.machine = machine;
    this.volume = volume;
    this.identity = volume.identity as MemberIncarnation;
    this.wal = volume.wal as Wal;
    this.flushed = this.wal.length;
    this.inRecovery = asStandby;
    this.replayed = asStandby ? Math.min(volume.checkpoint, this.flushed) : this.flushed;
    this.namesInFile = names;
    this.namesInPostmaster = names;
    this.checkpointTimeline = volume.checkpointTimeline;
    this.workers = new Process(`${machine.name}:postgres`, machine.rate, machine.base);
    this.postmaster = new Process(`${machine.name}:postmaster`, machine.rate, machine.base);
    this.syncRep = new SyncRep(this);
    this.syncRep.defined = names !== '';
    this.receiver = new SimReceiver(this);
    volume.controlState = asStandby ? 'in archive recovery' : 'in production';
    volume.shutdownEnd = null;
    for (const process of [this.workers, this.postmaster]) if (machine.frozen) process.frozen = true;
  }

  get isUp(): boolean {
    return this.state === 'running' || this.state === 'stopping';
  }

  get atEnd(): boolean {
    return this.inRecovery && this.replayed >= this.flushed && !this.receiver.occupies;
  }

  flushPosition(): number {
    return endOf(this.wal, this.flushed);
  }

  /** The timeline of the last WAL, and the forks that led there. */
  reached(): { readonly timeline: number; readonly forks: WalRecord['forks'] } {
    const { reached } = this.volume;
    const last = this.wal[this.flushed - 1] as WalRecord;
    if (reached !== null && reached.timeline > last.timeline) {
      const fork = reached.forks.at(-1);
      if (fork !== undefined && lsnOf(this.flushPosition()) === fork.switchLsn) return reached;
    }
    return { timeline: last.timeline, forks: last.forks };
  }

  /** Whether it was frozen since, or its disk was slow: then its agent was held up too. */
  heldUpSince(instant: number): boolean {
    const { workers, postmaster, machine } = this;
    return (
      [workers, postmaster].some(({ frozen, thawedAt }) => frozen || thawedAt > instant) ||
      machine.slowAt > instant
    );
  }

  /** Recovery has become consistent, or a primary is open: it answers. */
  run(): void {
    this.state = 'running';
    if (!this.inRecovery) this.#hum();
    this.replayed = Math.max(this.replayed, Math.min(this.volume.minRecovery, this.flushed));
    this.scan();
    this.replayMore();
    this.receiver.poll();
  }

  // --- WAL ------------------------------------------------------------------------------------------------------

  insert(kind: WalRecord['kind'], row: EpochRowContent | null, note: string): WalRecord {
    const record = append(this.wal, { kind, row, note }, this.world.random.wal.whole(40, 400));
    if (row !== null) this.#hidden.add(record);
    return record;
  }

  /** Local flush, then `done`; the walsenders are told. */
  flush(upTo: WalRecord, backend: Process, done: () => void): void {
    const { scheduler } = this.world;
    scheduler.after(this.machine.fsync(), backend, () => {
      if (this.state === 'gone') return;
      if (this.flushed <= upTo.index) {
        this.flushed = upTo.index + 1;
        if (!this.inRecovery) this.replayed = this.flushed;
        this.volume.minRecovery = this.inRecovery ? this.volume.minRecovery : this.flushed;
        this.pump();
      }
      done();
    });
  }

  /** A commit: inserted, flushed, and confirmed as the setting asks. */
  commit(
    session: Session,
    kind: 'commit' | 'row',
    row: EpochRowContent | null,
    note: string,
    done: (record: WalRecord, cancelled: boolean) => void,
  ): WalRecord {
    const record = this.insert(kind, row, note);
    this.flush(record, session.backend, () => {
      this.syncRep.wait({
        record,
        session: session.backend,
        released: (cancelled) => {
          this.show(record);
          this.world.scheduler.after(0.05, session.backend, () => done(record, cancelled));
        },
      });
    });
    return record;
  }

  /** Somebody cancels every statement that waits for a confirmation. */
  cancelWaits(): void {
    if (this.state === 'running') this.syncRep.cancel();
  }

  show(record: WalRecord): void {
    if (this.#hidden.delete(record)) this.#note(record);
  }

  /** WAL that nobody waits for: other databases, vacuum, sessions without `synchronous_commit`. */
  #hum(): void {
    const { wal } = this.world.random;
    this.world.scheduler.after(wal.between(100, 500), this.workers, () => {
      if (this.state !== 'running' || this.inRecovery) return;
      append(this.wal, { kind: 'filler', row: null, note: 'hum' }, wal.whole(40, 1_500));
      this.flushed = this.wal.length;
      this.replayed = this.flushed;
      this.pump();
      this.#hum();
    });
  }

  /** Rows that replay (or this server itself) has passed. */
  scan(): void {
    const end = this.inRecovery ? this.replayed : this.wal.length;
    for (; this.#scanned < end; this.#scanned++) {
      const record = this.wal[this.#scanned] as WalRecord;
      if (record.row !== null && !this.#hidden.has(record)) this.#note(record);
    }
  }

  #note(record: WalRecord): void {
    const { row } = record;
    if (row === null) return;
    if (this.lastRow === null || row.epoch >= this.lastRow.epoch) this.lastRow = row;
    if (row.settled && row.epoch > this.settledEpoch) this.settledEpoch = row.epoch;
  }

  replayMore(): void {
    if (!this.inRecovery || this.#replaying || this.replayed >= this.flushed) return;
    if (this.replayHeld) return;
    // Mostly replay is at the heels of the receiver.
    const { wal } = this.world.random;
    if (this.flushed - this.replayed < 8 && !this.workers.frozen && wal.chance(0.9)) {
      this.replayed = this.flushed;
      this.scan();
      this.receiver.poll();
      return;
    }
    this.#replaying = true;
    this.world.scheduler.after(wal.latency(1, 60), this.workers, () => {
      this.#replaying = false;
      if (!this.inRecovery) return;
      this.replayed = Math.min(this.flushed, this.replayed + wal.whole(1, 200));
      this.scan();
      this.replayMore();
      if (this.replayed >= this.flushed) this.receiver.poll();
    });
  }

  // --- Replication ------------------------------------------------------------------------------------------------

  /** Walsenders send what is flushed. */
  pump(): void {
    for (const walsender of this.walsenders) this.onPump(walsender);
  }

  /** Replaced by each connection: sends what one walsender has not sent yet. */
  onPump(walsender: SimWalsender): void {
    (walsender as SimWalsender & { send?: () => void }).send?.();
  }

  // --- Settings ---------------------------------------------------------------------------------------------------

  /** SIGHUP after a new `synchronous_standby_names`: each process reads the file when it comes to it. */
  reloadNames(names: string): void {
    this.namesInFile = names;
    const { scheduler, random } = this.world;
    scheduler.after(random.wal.latency(6, 4), this.postmaster, () => {
      this.namesInPostmaster = this.namesInFile;
      scheduler.after(this.machine.reloadLag(), this.workers, () => this.takeUpNames());
      for (const walsender of this.walsenders) this.#signal(walsender);
    });
  }

  /**
   * walsender.c, WalSndLoop: a signal is seen at the top of the next turn, before replies are read. So at most those of
   * one turn count by the old setting, however long the turn takes: none to WAL that was sent after the signal. (What
   * they release may be such WAL: by the old setting, over the slots of all.)
   */
  #signal(walsender: SimWalsender): void {
    const { scheduler, random } = this.world;
    if (!walsender.reloadPending) walsender.sentBeforeReload = endOf(this.wal, walsender.sent);
    walsender.reloadPending = true;
    walsender.busyUntil = scheduler.now + this.machine.lateReload * random.wal.next();
    const turn = walsender.busyUntil - scheduler.now + random.wal.latency(1, 10);
    scheduler.after(turn, this.workers, () => {
      if (walsender.alive && walsender.reloadPending) this.readNames(walsender);
    });
  }

  /** ProcessStandbyReplyMessage. */
  onReply(walsender: SimWalsender, flush: number, replay: number): void {
    if (!walsender.alive) return;
    const { scheduler, random } = this.world;
    if (walsender.busyUntil > scheduler.now) {
      scheduler.after(walsender.busyUntil - scheduler.now, this.workers, () =>
        this.onReply(walsender, flush, replay),
      );
      return;
    }
    const isOfNextTurn = flush > walsender.sentBeforeReload;
    if (walsender.reloadPending && (isOfNextTurn || random.wal.chance(0.6))) this.readNames(walsender);
    walsender.flush = flush;
    walsender.replay = replay;
    walsender.replies += 1;
    walsender.lastReplyAt = scheduler.now;
    const before = this.heardAt.get(walsender.identity) ?? Number.NEGATIVE_INFINITY;
    if (scheduler.now - before >= this.world.settings.dropAfter * NEARLY)
      this.heardSince.set(walsender.identity, scheduler.now);
    this.heardAt.set(walsender.identity, scheduler.now);
    this.syncRep.release(walsender);
    if (walsender.reloadPending) this.readNames(walsender);
  }

  /** The checkpointer's part. */
  takeUpNames(): void {
    const defined = this.namesInFile !== '';
    if (defined !== this.syncRep.defined) this.syncRep.define(defined);
  }

  /** SyncRepInitConfig. */
  readNames(walsender: SimWalsender): void {
    walsender.reloadPending = false;
    walsender.config = parseNames(this.namesInFile);
    walsender.counted = walsender.config?.names.includes(walsender.identity) ?? false;
    this.syncRep.release(walsender);
  }

  // --- Sessions ---------------------------------------------------------------------------------------------------

  open(isAgent: boolean): Session | null {
    if (this.state !== 'running' || !this.postmaster.alive || this.postmaster.frozen) return null;
    if (!isAgent && !this.admits) return null;
    this.#startedChildren += 1;
    const backend = new Process(
      `${this.machine.name}:backend${this.#startedChildren}`,
      this.machine.rate,
      this.machine.base,
    );
    backend.frozen = this.workers.frozen;
    const session: Session = { backend, isAgent, onEnded: null };
    this.sessions.add(session);
    return session;
  }

  end(session: Session): void {
    if (!this.sessions.delete(session)) return;
    this.syncRep.forget(session.backend);
    session.backend.alive = false;
    session.onEnded?.();
  }

  endClients(): void {
    for (const session of [...this.sessions]) if (!session.isAgent) this.end(session);
  }

  // --- Promotion --------------------------------------------------------------------------------------------------

  /** The end of recovery on a new timeline: the startup process has replayed everything. */
  becomePrimary(timeline: number): void {
    const forks = forksAfter(this.wal);
    this.volume.histories.add(timeline);
    this.volume.reached = null;
    append(this.wal, { kind: 'recovered', row: null, note: `timeline ${timeline}` }, 120, {
      timeline,
      forks,
    });
    this.flushed = this.wal.length;
    this.replayed = this.flushed;
    this.inRecovery = false;
    this.scan();
    this.volume.controlState = 'in production';
    this.volume.minRecovery = this.flushed;
    this.world.checks.onPromoted(this, timeline);
    this.pump();
    this.#hum();
  }

  checkpoint(): void {
    if (!this.inRecovery) {
      const record = this.insert('checkpoint', null, 'checkpoint');
      this.flushed = Math.max(this.flushed, record.index + 1);
      this.replayed = this.flushed;
      this.pump();
    }
    // The checkpointer takes up its settings before the next thing it does.
    this.takeUpNames();
    this.volume.checkpoint = this.replayed;
    this.volume.minRecovery = Math.max(this.volume.minRecovery, this.replayed);
    this.checkpointTimeline = this.wal[this.replayed - 1]?.timeline ?? 1;
    this.volume.checkpointTimeline = this.checkpointTimeline;
  }

  // --- The end ----------------------------------------------------------------------------------------------------

  /** SIGINT: sessions end, the receiver too; a primary writes its shutdown checkpoint and waits until it is sent. */
  shutDown(done: () => void): void {
    if (this.state === 'gone') return;
    this.state = 'stopping';
    for (const session of [...this.sessions]) this.end(session);
    this.receiver.stop();
    const { scheduler, random } = this.world;
    scheduler.after(random.wal.latency(40, 10), this.workers, () => {
      if (!this.inRecovery) {
        const record = this.insert('checkpoint', null, 'shutdown');
        this.flushed = record.index + 1;
        this.replayed = this.flushed;
        this.pump();
        this.volume.checkpoint = this.flushed;
        this.volume.minRecovery = this.flushed;
        this.volume.shutdownEnd = record.end;
        this.volume.controlState = 'shut down';
        this.volume.checkpointTimeline = record.timeline;
      } else {
        this.volume.controlState = 'shut down in recovery';
        this.volume.checkpoint = this.replayed;
        this.volume.minRecovery = Math.max(this.volume.minRecovery, this.replayed);
      }
      const look = (): void => {
        const position = this.flushPosition();
        for (const walsender of this.walsenders) {
          if (walsender.alive && walsender.streaming && (walsender.flush ?? 0) < position) {
            scheduler.after(10, this.workers, look);
            return;
          }
        }
        this.vanish(true);
        done();
      };
      scheduler.after(2, this.workers, look);
    });
  }

  /** SIGKILL to the postmaster alone: children notice, most at once, one that is busy later. */
  orphan(busyFor: number): void {
    if (!this.postmaster.alive || this.state === 'gone') return;
    this.postmaster.alive = false;
    this.machine.onPostmasterExit(this);
    this.world.scheduler.after(busyFor, null, () => this.vanish(false));
  }

  /** Everything of this run is gone. What was not synced is lost, as far as chance has it. */
  vanish(clean: boolean): void {
    if (this.state === 'gone') return;
    this.state = 'gone';
    for (const session of [...this.sessions]) this.end(session);
    this.receiver.stop();
    this.workers.alive = false;
    const hadPostmaster = this.postmaster.alive;
    this.postmaster.alive = false;
    for (const walsender of [...this.walsenders]) walsender.close();
    if (!clean) {
      const kept = this.world.random.wal.whole(this.flushed, this.wal.length);
      if (kept < this.wal.length) this.wal = this.wal.slice(0, kept);
      this.flushed = this.wal.length;
    }
    if (this.volume.wal !== null && this.volume.identity === this.identity) this.volume.wal = this.wal;
    this.volume.minRecovery = Math.min(this.volume.minRecovery, this.wal.length);
    if (hadPostmaster) this.machine.onPostmasterExit(this);
    this.machine.onServerGone(this);
  }

  /** What two servers have in common, in records. */
  sharedWith(other: SimServer): number {
    return commonPrefix(this.wal, other.wal);
  }

  timelineOf(count: number) {
    return timelineId((this.wal[count - 1] as WalRecord).timeline);
  }
}
