import { LSN_ZERO, type Lsn } from '../../../src/ha/lsn.ts';
import { type Incarnation, incarnation } from '../../../src/ha/member.ts';
import { NOBODY } from '../../../src/ha/quorum.ts';
import type { Floor } from '../../../src/ha/record.ts';
import {
  type Epoch,
  epoch,
  type Instant,
  instant,
  type Millis,
  type TimelineId,
  timelineId,
} from '../../../src/ha/units.ts';
import type { ControlFile, EpochRow, ServerView } from '../../../src/ha/view.ts';
import type {
  FillDirectory,
  Observation,
  PostgresInstance,
  ProcessState,
  ReportProgress,
  Upstream,
} from '../../../src/postgres/ports.ts';
import type { Process } from '../engine/scheduler.ts';
import type { Machine } from './machine.ts';
import type { Session, SimServer } from './server.ts';
import type { Volume } from './volume.ts';
import { append, endOf, forksAfter, lsnOf, type Wal } from './wal.ts';
import type { World } from './world.ts';

const NEVER = instant(Number.NEGATIVE_INFINITY);

/** One agent's Postgres. What each step stands for is told in `../README.md`. */
export class SimInstance {
  readonly #machine: Machine;
  readonly #world: World;
  readonly #volume: Volume;
  readonly #owner: Process;
  #listener: () => void = () => undefined;
  #doorOpen = false;
  #doorInDoubt = false;
  #doorMoves = 0;
  #promoting = false;
  #lastRun: { readonly timeline: TimelineId; readonly flushLsn: Lsn } | null = null;
  #silentSince: Instant | null = null;
  #connectedAt: Instant | null = null;
  #since: Instant = instant(0);
  #senderTraces = new Map<number, { replies: number; at: Instant }>();
  #receiverTrace: { pid: number; heard: number; at: Instant } | null = null;
  #stopping = false;
  #agentSessions = new Set<Session>();
  /** When the last fact that is being written will be on disk. */
  #writtenAt = 0;

  constructor(machine: Machine, owner: Process) {
    this.#machine = machine;
    this.#world = machine.world;
    this.#volume = machine.volume;
    this.#owner = owner;
  }

  // --- Time and failure -------------------------------------------------------------------------------------------

  #now(): Instant {
    return instant(this.#machine.now());
  }

  /** Virtual milliseconds; rejects when the signal fires. */
  #pause(duration: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal === undefined) {
        this.#world.scheduler.after(duration, this.#owner, resolve);
        return;
      }
      if (signal.aborted) {
        reject(new Error('interrupted'));
        return;
      }
      const onAbort = (): void => {
        this.#world.scheduler.cancel(event);
        reject(new Error('interrupted'));
      };
      const event = this.#world.scheduler.after(duration, this.#owner, () => {
        signal.removeEventListener('abort', onAbort);
        resolve();
      });
      signal.addEventListener('abort', onAbort);
    });
  }

  /** What runs and answers; waits for a frozen one until the signal fires. */
  async #answering(signal: AbortSignal): Promise<SimServer> {
    for (;;) {
      const { server } = this.#machine;
      if (server === null || server.state !== 'running' || !server.postmaster.alive)
        throw new Error('Postgres is not running');
      if (!server.postmaster.frozen && !server.workers.frozen) return server;
      await this.#pause(50, signal);
    }
  }

  #still(server: SimServer): void {
    if (server.state === 'gone' || this.#machine.server !== server) throw new Error('Postgres is gone');
  }

  // --- Looks ------------------------------------------------------------------------------------------------------

  get process(): ProcessState {
    const { server } = this.#machine;
    if (server === null || !server.postmaster.alive) return { state: 'stopped', exit: null };
    const state = this.#stopping ? 'stopping' : server.state === 'gone' ? 'stopping' : server.state;
    return { state, pid: server.pid, since: this.#since };
  }

  onChange(listener: () => void): void {
    this.#listener = listener;
  }

  /** The postmaster is gone: the agent gets SIGCHLD. */
  exited(): void {
    this.#world.scheduler.after(this.#world.random.agent.latency(1, 10), this.#owner, () => this.#listener());
  }

  async load(): Promise<void> {
    await this.#pause(2);
  }

  async clearOrphans(): Promise<{ readonly adopted: boolean }> {
    const { server } = this.#machine;
    if (server !== null) {
      await this.#pause(this.#world.random.agent.latency(30));
      this.#machine.server?.vanish(false);
    }
    return { adopted: false };
  }

  async observe(deadline: Millis): Promise<Observation> {
    const { scheduler, random } = this.#world;
    const askedAt = this.#now();
    const first = this.#machine.server;
    let server: ServerView | null = null;
    if (first?.isUp && first.postmaster.alive) {
      const limit = scheduler.now + deadline / this.#machine.rate;
      for (;;) {
        await this.#pause(
          first.workers.frozen ? Math.min(20, limit - scheduler.now) : random.agent.latency(0.8, 10),
        );
        if (this.#machine.server !== first || !first.isUp || scheduler.now >= limit) break;
        if (first.workers.frozen) continue;
        if (first.state === 'stopping') break;
        server = this.#view(first, askedAt);
        break;
      }
      if (server === null) this.#silentSince ??= askedAt;
      else this.#silentSince = null;
    } else await this.#pause(0.3);
    return this.#observation(server);
  }

  #observation(server: ServerView | null): Observation {
    const volume = this.#volume;
    const running = this.#machine.server;
    const up = running?.postmaster.alive;
    if (!up) {
      this.#silentSince = null;
      this.#senderTraces.clear();
    }
    if (server !== null) this.#lastRun = { timeline: server.timeline, flushLsn: server.flushLsn };
    const wal = running?.wal ?? volume.wal;
    const data = volume.broken ? 'broken' : volume.wal === null ? 'empty' : 'present';
    const control = running?.state === 'running' || wal === null ? null : this.#control(wal);
    const process = this.process;
    const end = this.#end(server, wal, control);
    return {
      observedAt: this.#now(),
      data,
      systemIdentifier: data === 'present' ? volume.systemIdentifier : '',
      clusterUID: volume.clusterUID,
      generation: volume.wal === null || volume.clusterUID === null ? null : volume.generation,
      kept: volume.kept,
      identity: data === 'present' ? volume.identity : null,
      floor: volume.floor,
      promise: epoch(volume.promise),
      timelineEpochs: volume.timelineEpochs,
      provenDead: running === null,
      control,
      timeline: end.timeline,
      endOfWal: end.endOfWal,
      forks: end.forks,
      walRemoved: false,
      inherited: volume.floor === null ? volume.inherited : null,
      settingsTooLow: false,
      server,
      silentSince: process.state === 'running' || process.state === 'stopping' ? this.#silentSince : null,
      process,
      lastConnectAt: this.#connectedAt,
    };
  }

  #control(wal: Wal): ControlFile {
    const volume = this.#volume;
    return {
      systemIdentifier: volume.systemIdentifier,
      state: volume.controlState,
      checkpointTimeline: timelineId(volume.checkpointTimeline),
      checkpointLsn: lsnOf(endOf(wal, Math.min(volume.checkpoint, wal.length))),
      shutdownEndLsn: volume.shutdownEnd === null ? null : lsnOf(volume.shutdownEnd),
    };
  }

  #end(
    server: ServerView | null,
    wal: Wal | null,
    control: ControlFile | null,
  ): Pick<Observation, 'timeline' | 'endOfWal' | 'forks'> {
    if (server !== null) return { timeline: server.timeline, endOfWal: server.flushLsn, forks: server.forks };
    if (wal === null || wal.length === 0) return { timeline: timelineId(0), endOfWal: LSN_ZERO, forks: [] };
    const last = wal[wal.length - 1];
    const minimum = lsnOf(endOf(wal, Math.min(this.#volume.minRecovery, wal.length)));
    const endOfWal = control?.shutdownEndLsn ?? this.#lastRun?.flushLsn ?? minimum;
    return { timeline: timelineId(last?.timeline ?? 0), endOfWal, forks: last?.forks ?? [] };
  }

  #view(server: SimServer, sentAt: Instant): ServerView {
    const now = this.#now();
    this.#connectedAt = now;
    const { timeline, forks } = server.reached();
    if (!server.inRecovery) this.#promoting = false;
    const flushLsn = lsnOf(server.flushPosition());
    const traces = this.#senderTraces;
    const senders = [...server.walsenders].filter((walsender) => walsender.alive);
    for (const walsender of senders) {
      const before = traces.get(walsender.pid);
      if (before === undefined || before.replies !== walsender.replies) {
        traces.set(walsender.pid, {
          replies: walsender.replies,
          at: walsender.replies === 0 ? NEVER : sentAt,
        });
      }
    }
    return {
      inRecovery: server.inRecovery,
      promoting: server.inRecovery && this.#promoting,
      timeline: timelineId(timeline),
      forks,
      flushLsn,
      replayLsn: lsnOf(endOf(server.wal, server.replayed)),
      atEndOfWal: server.atEnd,
      checkpointTimeline: timelineId(server.checkpointTimeline),
      receiver: this.#receiver(server, sentAt),
      follows: server.inRecovery ? ((server.upstream?.identity ?? null) as ServerView['follows']) : null,
      synchronousStandbyNames: server.namesInPostmaster,
      walsenders: senders.map((walsender) => ({
        identity: walsender.identity,
        pid: walsender.pid,
        streaming: walsender.streaming && walsender.flush !== null,
        hasSlot: true,
        syncState: walsender.counted ? 'quorum' : 'async',
        sentLsn: lsnOf(endOf(server.wal, Math.min(walsender.sent, server.wal.length))),
        flushLsn: walsender.flush === null ? LSN_ZERO : lsnOf(walsender.flush),
        replayLsn: lsnOf(walsender.replay),
        repliedAt: traces.get(walsender.pid)?.at ?? NEVER,
      })),
      lastRow: server.lastRow === null ? null : (server.lastRow as EpochRow),
      settledEpoch: epoch(server.settledEpoch),
      doorOpen: this.#doorOpen,
      doorInDoubt: this.#doorInDoubt,
      prepared: true,
      commitsWaiting: server.syncRep.waiting,
      replayLag: null,
    };
  }

  #receiver(server: SimServer, sentAt: Instant): ServerView['receiver'] {
    const { receiver } = server;
    if (!receiver.running) return null;
    const before = this.#receiverTrace;
    const heard = receiver.heardAt;
    if (before === null || before.pid !== receiver.pid || before.heard !== heard) {
      const ago = (this.#world.scheduler.now - heard) * this.#machine.rate;
      const at =
        heard === Number.NEGATIVE_INFINITY ? NEVER : instant(Math.min(sentAt, this.#machine.now() - ago));
      this.#receiverTrace = { pid: receiver.pid, heard, at };
    }
    return {
      pid: receiver.pid,
      streaming: receiver.streaming,
      heardAt: this.#receiverTrace?.at ?? NEVER,
      timeline: timelineId(receiver.timeline),
    };
  }

  // --- Facts beside the data --------------------------------------------------------------------------------------

  /** One after the other, in the order in which they were asked for (src/postgres/volume/fact-store.ts). */
  #written(): Promise<void> {
    const now = this.#world.scheduler.now;
    const waits = Math.max(0, this.#writtenAt - now);
    const duration = waits + this.#machine.fsync();
    this.#writtenAt = now + duration;
    return this.#pause(duration);
  }

  async writeFloor(floor: Floor, timelineEpochs: Readonly<Record<number, Epoch>>): Promise<void> {
    await this.#written();
    this.#world.checks.onFloor(this.#volume, floor);
    this.#volume.floor = floor;
    this.#volume.timelineEpochs = timelineEpochs;
  }

  async writePromise(promised: Epoch): Promise<void> {
    this.#volume.requireHigher(promised);
    if (promised === this.#volume.promise) return;
    await this.#written();
    this.#volume.requireHigher(promised);
    this.#volume.promise = promised;
  }

  /** What the next `restore` takes from the archive. */
  restoring: { readonly wal: Wal; readonly timeline: number; readonly systemIdentifier: string } | null =
    null;

  async writeClusterUID(clusterUID: string, generation: number): Promise<void> {
    await this.#written();
    this.#volume.clusterUID = clusterUID;
    this.#volume.generation = generation;
  }

  // --- Works on the data ------------------------------------------------------------------------------------------

  #newIncarnation(): Incarnation {
    const { agent } = this.#world.random;
    return incarnation(agent.whole(0, 0xffffffff).toString(16).padStart(8, '0'));
  }

  async initialize(
    _report: ReportProgress,
    signal: AbortSignal,
  ): Promise<{ readonly systemIdentifier: string }> {
    await this.#pause(this.#world.random.agent.latency(400), signal);
    this.#world.checks.onInitialize(this.#machine);
    const volume = this.#volume;
    const wal: Wal = [];
    append(wal, { kind: 'init', row: null, note: `initdb ${this.#machine.name}` }, 24_000);
    volume.wal = wal;
    volume.systemIdentifier = String(7_000_000_000 + this.#world.random.agent.whole(0, 1e9));
    volume.incarnation = this.#newIncarnation();
    volume.clusterUID = null;
    volume.inherited = null;
    volume.controlState = 'shut down';
    volume.checkpoint = 1;
    volume.minRecovery = 1;
    volume.checkpointTimeline = 1;
    volume.shutdownEnd = wal[0]?.end ?? null;
    volume.histories = new Set([1]);
    volume.reached = null;
    this.#lastRun = null;
    return { systemIdentifier: volume.systemIdentifier };
  }

  async setAside({ id, generation }: { readonly id: string; readonly generation: number }): Promise<void> {
    await this.#pause(this.#machine.fsync());
    const volume = this.#volume;
    if (volume.kept?.id === id && volume.kept.phase === 'aside') return;
    if (volume.identity !== null) this.#world.checks.onIncarnationEnds(volume);
    volume.setAside(id, generation);
    this.#lastRun = null;
  }

  async bringBack(operation: {
    readonly id: string;
    readonly generation: number;
    readonly inPlace: boolean;
  }): Promise<void> {
    await this.#pause(this.#machine.fsync());
    const volume = this.#volume;
    if (!operation.inPlace && volume.kept?.phase !== 'back') this.#world.checks.onIncarnationEnds(volume);
    volume.bringBack(operation);
    this.#world.checks.onIncarnationReturns(volume);
    this.#lastRun = null;
  }

  async dropKept(): Promise<void> {
    await this.#pause(this.#machine.fsync());
    this.#volume.kept = null;
    this.#volume.keptData = null;
  }

  /** Out of the archive of a recovery in place: `recoverTo` has said which. Promoted to a timeline never reserved. */
  async restore(fill: FillDirectory, signal: AbortSignal): Promise<{ readonly systemIdentifier: string }> {
    await this.#pause(this.#world.random.agent.latency(600), signal);
    const { inherited } = await fill({ directory: '', lock: '' }, signal);
    const restored = this.restoring;
    if (restored === null) throw new TypeError('the simulator restores in a recovery in place only');
    const volume = this.#volume;
    const forks = forksAfter(restored.wal);
    const wal = restored.wal.slice();
    const { timeline } = restored;
    append(wal, { kind: 'recovered', row: null, note: `restored, timeline ${timeline}` }, 120, {
      timeline,
      forks,
    });
    volume.wal = wal;
    volume.systemIdentifier = restored.systemIdentifier;
    volume.incarnation = this.#newIncarnation();
    volume.clusterUID = null;
    volume.inherited = inherited;
    volume.broken = false;
    volume.controlState = 'shut down';
    volume.checkpoint = wal.length;
    volume.minRecovery = wal.length;
    volume.checkpointTimeline = timeline;
    volume.shutdownEnd = wal.at(-1)?.end ?? null;
    volume.histories = new Set(Array.from({ length: timeline }, (_, index) => index + 1));
    volume.reached = null;
    volume.sealedAt = null;
    this.#lastRun = null;
    return { systemIdentifier: volume.systemIdentifier };
  }

  /** Waits while bytes flow; rejects where the source cannot be reached or is gone. */
  async #copy(from: Upstream, duration: number, signal: AbortSignal): Promise<SimServer> {
    const { network } = this.#world;
    const machine = this.#world.machine(from.host);
    const source = machine.server;
    for (let left = duration; left > 0; left -= 100) {
      await this.#pause(Math.min(100, left), signal);
      const cut =
        network.isCut(this.#machine.name, from.host) || network.isCut(from.host, this.#machine.name);
      if (cut || source === null || machine.server !== source || source.state !== 'running') {
        throw new Error(`the connection to ${from.identity} is lost`);
      }
      if (source.workers.frozen) left += 100;
    }
    if (source === null || source.identity !== from.identity)
      throw new Error(`${from.identity} is not there`);
    return source;
  }

  async clone(from: Upstream, _report: ReportProgress, signal: AbortSignal): Promise<void> {
    const source = await this.#copy(from, this.#world.random.agent.latency(500), signal);
    this.#world.checks.onReplaced(this.#machine, source.identity, source.wal, 'clone');
    this.#world.checks.onIncarnationEnds(this.#volume);
    this.#take(source);
    const volume = this.#volume;
    volume.incarnation = this.#newIncarnation();
    volume.clusterUID = null;
    volume.inherited = null;
    volume.systemIdentifier = source.volume.systemIdentifier;
    volume.broken = false;
  }

  async rewind(from: Upstream, _switchLsn: Lsn, _report: ReportProgress, signal: AbortSignal): Promise<void> {
    // The source is reached before anything is marked as changed.
    const there = await this.#copy(from, this.#world.random.agent.latency(20), signal);
    await this.#pause(this.#machine.fsync(), signal);
    this.#world.checks.onReplaced(this.#machine, from.identity, there.wal, 'rewind');
    this.#volume.broken = true;
    const source = await this.#copy(from, this.#world.random.agent.latency(400), signal);
    this.#world.checks.onReplaced(this.#machine, source.identity, source.wal, 'rewind');
    this.#take(source);
    await this.#pause(this.#machine.fsync(), signal);
    this.#volume.broken = false;
  }

  #take(source: SimServer): void {
    const volume = this.#volume;
    volume.wal = source.wal.slice(0, source.flushed);
    volume.checkpoint = volume.wal.length;
    volume.minRecovery = volume.wal.length;
    volume.checkpointTimeline = volume.wal[volume.wal.length - 1]?.timeline ?? 1;
    volume.controlState = 'shut down in recovery';
    volume.shutdownEnd = null;
    volume.histories = new Set(source.volume.histories);
    volume.reached = null;
    volume.sealedAt = null;
    this.#lastRun = null;
  }

  // --- Start and stop ---------------------------------------------------------------------------------------------

  startStandby(signal: AbortSignal): Promise<void> {
    return this.#start(NOBODY, true, signal);
  }

  startPrimary(names: string, signal: AbortSignal): Promise<void> {
    return this.#start(names, false, signal);
  }

  async #start(names: string, asStandby: boolean, signal: AbortSignal): Promise<void> {
    if (this.#machine.server !== null) throw new Error('Postgres is already running');
    if (this.#volume.wal === null || this.#volume.broken) throw new Error('there is no whole data to start');
    this.#doorOpen = false;
    this.#doorInDoubt = false;
    this.#promoting = false;
    this.#stopping = false;
    this.#connectedAt = null;
    this.#since = this.#now();
    const server = this.#machine.launch(names, asStandby);
    const up = this.#world.random.wal.latency(120, 10);
    this.#world.scheduler.after(up, server.workers, () => {
      if (server.state !== 'starting') return;
      server.run();
      if (!asStandby) this.#world.checks.onStartedPrimary(server);
    });
    await this.#pause(up / this.#machine.rate, signal);
    while (server.state === 'starting') await this.#pause(10, signal);
    this.#still(server);
    this.#listener();
  }

  async stop(mode: 'fast' | 'immediate' | 'kill', signal?: AbortSignal): Promise<void> {
    void signal;
    const { server } = this.#machine;
    this.#stopping = true;
    const isPrimary = server !== null && server.state === 'running' && !server.inRecovery;
    if (isPrimary) this.#machine.demotedIn = this.#volume.floor?.epoch ?? null;
    try {
      if (server === null) return;
      if (mode === 'fast' && server.postmaster.alive && !server.postmaster.frozen) {
        const limit = this.#world.scheduler.now + this.#world.settings.stopTimeout;
        server.shutDown(() => undefined);
        while (server.state !== 'gone' && this.#world.scheduler.now < limit) await this.#pause(10);
      }
      if (server.state !== 'gone') {
        await this.#pause(this.#world.random.agent.latency(15));
        server.vanish(false);
      }
      await this.#pause(3);
    } finally {
      this.#stopping = false;
      this.#promoting = false;
      this.#doorOpen = false;
      this.#doorInDoubt = false;
    }
  }

  // --- Following --------------------------------------------------------------------------------------------------

  async follow(upstream: Upstream | null): Promise<void> {
    const { server } = this.#machine;
    if (server === null || server.state !== 'running') throw new Error('Postgres is not running');
    const before = server.upstream;
    if (upstream !== null && before?.identity === upstream.identity) return;
    await this.#pause(this.#world.random.agent.latency(2));
    server.upstream = upstream === null ? null : { identity: upstream.identity, host: upstream.host };
    server.replayHeld = false;
    if (server.receiver.running) {
      // A receiver whose conninfo changed is ended by the startup process.
      this.#world.scheduler.after(this.#machine.reloadLag(), server.workers, () => {
        if (server.receiver.running) server.receiver.end();
        server.receiver.poll();
      });
    } else
      this.#world.scheduler.after(this.#machine.reloadLag(), server.workers, () => server.receiver.poll());
  }

  async endReceiver(signal: AbortSignal): Promise<{ readonly timeline: TimelineId; readonly flushLsn: Lsn }> {
    const server = await this.#answering(signal);
    await this.#pause(this.#world.random.agent.latency(6, 5), signal);
    this.#still(server);
    if (!server.inRecovery) throw new Error('Postgres is a primary');
    server.upstream = null;
    server.replayHeld = false;
    await this.#pause(this.#world.random.agent.latency(4, 5), signal);
    this.#still(server);
    if (server.receiver.running) server.receiver.end();
    server.replayMore();
    await this.#pause(50, signal);
    this.#still(server);
    if (server.receiver.running) throw new Error('a WAL receiver runs although nobody is followed any more');
    const { timeline } = server.reached();
    return { timeline: timelineId(timeline), flushLsn: lsnOf(server.flushPosition()) };
  }

  // --- Settings and the door --------------------------------------------------------------------------------------

  async setSynchronousStandbyNames(value: string, signal: AbortSignal): Promise<void> {
    const server = await this.#answering(signal);
    await this.#pause(1, signal);
    server.reloadNames(value);
    while (server.namesInPostmaster !== value) {
      await this.#pause(3, signal);
      this.#still(server);
    }
  }

  async closeDoor(signal: AbortSignal): Promise<void> {
    await this.#moveDoor(false, async () => {
      const server = await this.#answering(signal);
      await this.#pause(this.#world.random.agent.latency(8, 5), signal);
      this.#still(server);
      server.admits = false;
      await this.#pause(this.#world.random.agent.latency(5, 5), signal);
      this.#still(server);
      server.endClients();
    });
  }

  async openDoor(signal: AbortSignal): Promise<void> {
    await this.#moveDoor(true, async () => {
      const server = await this.#answering(signal);
      this.#doorOpen = true;
      await this.#pause(this.#world.random.agent.latency(6, 5), signal);
      this.#still(server);
      server.admits = true;
      await this.#pause(this.#world.random.agent.latency(2, 5), signal);
      this.#still(server);
    });
  }

  async #moveDoor(open: boolean, move: () => Promise<void>): Promise<void> {
    const turn = ++this.#doorMoves;
    let isKnown = false;
    try {
      await move();
      isKnown = turn === this.#doorMoves;
    } finally {
      this.#doorInDoubt = !isKnown;
      if (isKnown) this.#doorOpen = open;
      else if (turn !== this.#doorMoves) this.#doorOpen = true;
    }
  }

  // --- Leading ----------------------------------------------------------------------------------------------------

  async prepareToPromote(names: string, signal: AbortSignal): Promise<void> {
    await this.closeDoor(signal);
    await this.setSynchronousStandbyNames(names, signal);
    await this.endReceiver(signal);
  }

  async promote(timeline: TimelineId, signal: AbortSignal): Promise<void> {
    this.#promoting = true;
    let asked = false;
    try {
      const server = await this.#answering(signal);
      if (!server.inRecovery) throw new Error('Postgres is a primary already');
      const newest = Math.max(server.reached().timeline, ...server.volume.histories);
      if (timeline <= newest)
        throw new Error(`timeline ${timeline} cannot be promoted to: ${newest} exists here`);
      await this.#pause(this.#machine.fsync(), signal);
      this.#still(server);
      asked = true;
      server.receiver.stop();
      const promote = (): void => {
        if (server.state !== 'running' || !server.inRecovery) return;
        if (server.replayed < server.flushed) {
          server.replayMore();
          this.#world.scheduler.after(5, server.workers, promote);
          return;
        }
        server.becomePrimary(timeline);
      };
      this.#world.scheduler.after(this.#world.random.wal.latency(15, 10), server.workers, promote);
      while (server.inRecovery) {
        await this.#pause(5, signal);
        this.#still(server);
      }
      this.#promoting = false;
    } catch (error) {
      if (!asked) this.#promoting = false;
      throw error;
    }
  }

  /** On a connection of the agent: ended by its pid when the signal fires. */
  async #onSession<T>(
    signal: AbortSignal,
    work: (server: SimServer, session: Session) => Promise<T>,
  ): Promise<T> {
    const server = await this.#answering(signal);
    await this.#pause(this.#world.random.agent.latency(1), signal);
    this.#still(server);
    const session = server.open(true);
    if (session === null) throw new Error('Postgres takes no connection');
    const ended = Promise.withResolvers<never>();
    const onEnded = (): void =>
      void this.#world.scheduler.after(0.1, this.#owner, () =>
        ended.reject(new Error('the connection was ended')),
      );
    session.onEnded = onEnded;
    signal.addEventListener('abort', () => server.end(session));
    this.#agentSessions.add(session);
    try {
      return await Promise.race([work(server, session), ended.promise]);
    } finally {
      ended.promise.catch(() => undefined);
      session.onEnded = null;
      server.end(session);
    }
  }

  #writeRow(
    row: Omit<EpochRow, 'settled'>,
    settled: boolean,
    signal: AbortSignal,
  ): Promise<{ readonly lsn: Lsn }> {
    return this.#onSession(signal, async (server, session) => {
      if (server.inRecovery) throw new Error('cannot execute INSERT in a read-only transaction');
      const done = Promise.withResolvers<void>();
      const content = { epoch: row.epoch, primary: row.primary, timeline: row.timeline, settled };
      const what = `${settled ? 'mark' : 'row'} of epoch ${row.epoch}`;
      const record = server.commit(
        session,
        'row',
        content,
        what,
        () =>
          void this.#world.scheduler.after(0.1, this.#owner, () => {
            this.#world.checks.onRowAcknowledged(server, record);
            done.resolve();
          }),
      );
      await done.promise;
      return { lsn: lsnOf(endOf(server.wal, server.wal.length)) };
    });
  }

  writeEpochRow(row: Omit<EpochRow, 'settled'>, signal: AbortSignal): Promise<{ readonly lsn: Lsn }> {
    return this.#writeRow(row, false, signal);
  }

  async markSettled(row: Omit<EpochRow, 'settled'>, signal: AbortSignal): Promise<void> {
    await this.#writeRow(row, true, signal);
  }

  async prepare(signal: AbortSignal): Promise<void> {
    await this.#pause(5, signal);
  }

  /** How long a segment takes to be made is not simulated. */
  async expectSwitch(): Promise<void> {}

  async checkpoint(signal: AbortSignal): Promise<void> {
    const server = await this.#answering(signal);
    await this.#pause(this.#world.random.wal.latency(60, 10), signal);
    this.#still(server);
    server.checkpoint();
  }

  async forceWal(signal: AbortSignal): Promise<Lsn> {
    return this.#onSession(signal, async (server, session) => {
      const lsn = lsnOf(endOf(server.wal, server.wal.length));
      const record = server.insert('filler', null, 'forced');
      const done = Promise.withResolvers<void>();
      server.flush(
        record,
        session.backend,
        () => void this.#world.scheduler.after(0.1, this.#owner, done.resolve),
      );
      await done.promise;
      return lsn;
    });
  }

  async syncSlots(): Promise<void> {
    await this.#pause(1);
  }

  async applySettings(): Promise<{ readonly pendingRestart: readonly string[] }> {
    return { pendingRestart: [] };
  }

  async validateSettings(): Promise<void> {}

  async revertForeignSettings(): Promise<readonly string[]> {
    return [];
  }

  async rotatePasswords(): Promise<void> {}

  async sample(): Promise<never> {
    throw new Error('no samples in a schedule');
  }

  async close(): Promise<void> {}
}

/** The port that the product sees. */
export function portOf(instance: SimInstance): PostgresInstance {
  return instance;
}
