import { Stream } from './network.ts';
import type { SimServer } from './server.ts';
import type { SimWalsender } from './sync-rep.ts';
import { commonPrefix, endOf, type WalRecord } from './wal.ts';

const RETRY_MS = 200;
const SENDER_TIMEOUT_MS = 5_000;
const STATUS_MS = 1_000;
let nextPid = 100_000;

interface Connection {
  readonly source: SimServer;
  readonly walsender: SimWalsender & { send?: () => void };
  /** From the sender; to the sender. */
  readonly data: Stream;
  readonly replies: Stream;
}

/** The WAL receiver of a standby, and the walsender that it makes at the other end. */
export class SimReceiver {
  readonly #server: SimServer;
  #connection: Connection | null = null;
  /** A receiver process exists (it may still be connecting). */
  running = false;
  pid = 0;
  heardAt = Number.NEGATIVE_INFINITY;
  /** Since when it hears without a break from whom it streams; never: infinity. */
  hearsSince = Number.POSITIVE_INFINITY;
  stopped = false;
  /** Received and not synced yet. */
  #flushing = false;
  #pollPlanned = false;
  #generation = 0;

  constructor(server: SimServer) {
    this.#server = server;
  }

  /** `wal_receiver_timeout`, as the product sets it; the receiver asks at half of it. */
  get #timeout(): number {
    return 2 * this.#server.world.settings.suspectAfter;
  }

  get streaming(): boolean {
    return this.#connection !== null;
  }

  /** A process that streams or is about to: replay cannot be at the end for good. */
  get occupies(): boolean {
    return this.running;
  }

  /** The startup process looks for more WAL: at the end of what is local, it launches a receiver. */
  poll(): void {
    const server = this.#server;
    if (this.running || this.stopped || server.upstream === null || !server.inRecovery) return;
    if (server.state !== 'running' || server.replayed < server.flushed || this.#pollPlanned) return;
    this.#pollPlanned = true;
    server.world.scheduler.after(server.world.random.wal.latency(5, 10), server.workers, () => {
      this.#pollPlanned = false;
      if (this.running || this.stopped || server.upstream === null || !server.inRecovery) return;
      if (server.state !== 'running' || server.replayed < server.flushed) return;
      this.#launch(server.upstream.host);
    });
  }

  /** Ends the receiver; what it had received is synced (WalRcvDie). */
  end(): void {
    this.#generation += 1;
    this.running = false;
    const server = this.#server;
    if (server.inRecovery && server.flushed < server.wal.length) {
      server.flushed = server.wal.length;
      server.replayMore();
    }
    this.#close();
  }

  /** SIGTERM by hand: the startup process launches another. */
  die(): void {
    if (!this.running) return;
    this.end();
    this.#retryLater();
  }

  /** The server ends. */
  stop(): void {
    this.stopped = true;
    if (this.running) this.end();
  }

  #close(): void {
    const connection = this.#connection;
    this.#connection = null;
    this.hearsSince = Number.POSITIVE_INFINITY;
    if (connection === null) return;
    const { source, walsender, replies, data } = connection;
    // The sender learns of it by the network, after the replies that are on their way.
    replies.send(source.workers, () => walsender.close());
    data.closed = true;
  }

  #retryLater(): void {
    const server = this.#server;
    server.world.scheduler.after(RETRY_MS, server.workers, () => this.poll());
  }

  #launch(host: string): void {
    const { world, machine, workers } = this.#server;
    this.running = true;
    this.pid = nextPid++;
    const generation = ++this.#generation;
    const fail = (): void => {
      if (generation !== this.#generation) return;
      this.running = false;
      this.#retryLater();
    };
    const target = world.machine(host);
    if (world.network.isCut(machine.name, host) || world.network.isCut(host, machine.name)) {
      world.scheduler.after(this.#timeout, workers, fail);
      return;
    }
    const delay = world.network.delay(machine.name, host) * 3 + world.random.wal.latency(8, 6);
    world.scheduler.after(delay, workers, () => {
      if (generation !== this.#generation) return;
      const source = target.server;
      if (source === null || source.state !== 'running' || !source.postmaster.alive) {
        fail();
        return;
      }
      if (source.postmaster.frozen || source.workers.frozen) {
        world.scheduler.after(this.#timeout, workers, fail);
        return;
      }
      if (!this.#connect(source, generation)) fail();
    });
  }

  /**
   * walreceiver.c and walsender.c: a receiver asks for the timeline that it is on, from the start of a segment, and
   * reports where its own replay stands before it has received anything. Whatever of its WAL is not in the sender's
   * history is found out later.
   */
  #connect(source: SimServer, generation: number): boolean {
    const server = this.#server;
    const { world } = server;
    const own = server.wal[server.flushed - 1] as WalRecord;
    const theirs = source.wal[source.flushed - 1] as WalRecord;
    const known =
      theirs.timeline === own.timeline || theirs.forks.some((fork) => fork.timeline === own.timeline);
    if (!known) return false;
    // A slot each: "replication slot is active". Else one standby could be counted by two walsenders.
    for (const other of source.walsenders) if (other.identity === server.identity) return false;
    const shared = commonPrefix(server.wal, source.wal);
    const diverged = shared < server.flushed;
    // "requested starting point is ahead of the WAL flush position of this server"
    if (diverged && theirs.timeline === own.timeline && own.end > theirs.end) return false;
    const data = new Stream(world.scheduler, world.network, source.machine.name, server.machine.name);
    const replies = new Stream(world.scheduler, world.network, server.machine.name, source.machine.name);
    const walsender: SimWalsender & { send?: () => void } = {
      pid: nextPid++,
      identity: server.identity,
      streaming: true,
      alive: true,
      sent: shared,
      flush: null,
      replay: 0,
      replies: 0,
      config: null,
      counted: false,
      lastReplyAt: world.scheduler.now,
      reloadPending: false,
      sentBeforeReload: 0,
      busyUntil: 0,
      close: () => {
        if (!walsender.alive) return;
        walsender.alive = false;
        source.walsenders.delete(walsender);
        data.closed = true;
        replies.closed = true;
        // The receiver sees the end of the connection, unless the way is cut: then it times out.
        if (!world.network.isCut(source.machine.name, server.machine.name)) {
          world.scheduler.after(
            world.network.delay(source.machine.name, server.machine.name),
            server.workers,
            () => this.#lost(generation),
          );
        }
      },
    };
    source.walsenders.add(walsender);
    source.readNames(walsender);
    this.#connection = { source, walsender, data, replies };
    this.hearsSince = world.scheduler.now;
    this.heardAt = world.scheduler.now;
    this.#reply();
    if (diverged) {
      world.coverage.count('diverged standby connected');
      world.scheduler.after(world.random.wal.latency(40, 5), server.workers, () => this.#lost(generation));
      return true;
    }
    let busyUntil = 0;
    let again = false;
    const send = (): void => {
      if (again || !walsender.alive) return;
      const upTo = source.flushed;
      if (walsender.sent >= upTo) return;
      if (world.scheduler.now < busyUntil || source.workers.frozen) {
        again = true;
        world.scheduler.after(Math.max(0, busyUntil - world.scheduler.now), source.workers, () => {
          again = false;
          send();
        });
        return;
      }
      busyUntil = world.scheduler.now + 0.2;
      const from = walsender.sent;
      walsender.sent = upTo;
      const batch = source.wal.slice(from, upTo);
      data.send(server.workers, () => this.#receive(batch, generation));
    };
    walsender.send = send;
    send();
    this.#watchSender(source, walsender);
    this.#status(generation);
    return true;
  }

  #hears(): void {
    const { scheduler, settings } = this.#server.world;
    if (scheduler.now - this.heardAt > settings.suspectAfter / 2) this.hearsSince = scheduler.now;
    this.heardAt = scheduler.now;
  }

  #receive(batch: readonly WalRecord[], generation: number): void {
    if (generation !== this.#generation) return;
    const server = this.#server;
    const { world } = server;
    this.#hears();
    const [first] = batch;
    if (first === undefined) return;
    if (first.index !== server.wal.length) {
      world.checks.fail(
        'simulator',
        `${server.machine.name} received record ${first.index} after ${server.wal.length}`,
      );
      return;
    }
    for (const record of batch) server.wal.push(record);
    const last = batch.at(-1) as WalRecord;
    server.volume.histories.add(last.timeline);
    server.volume.reached = { timeline: last.timeline, forks: last.forks };
    world.checks.onReceived(server, last);
    if (this.#flushing) return;
    this.#flushing = true;
    world.scheduler.after(server.machine.fsync(), server.workers, () => {
      this.#flushing = false;
      if (server.state === 'gone' || !server.inRecovery) return;
      server.flushed = server.wal.length;
      server.replayMore();
      if (generation === this.#generation) this.#reply();
    });
  }

  #reply(): void {
    const connection = this.#connection;
    if (connection === null) return;
    const server = this.#server;
    const flush = Math.max(server.flushPosition(), endOf(server.wal, server.replayed));
    const replay = endOf(server.wal, server.replayed);
    const { source, walsender, replies } = connection;
    replies.send(source.workers, () => source.onReply(walsender, flush, replay));
  }

  /** Once a second a reply that asks for an answer; a sender that is not heard for too long is given up. */
  #status(generation: number): void {
    const server = this.#server;
    const { scheduler } = server.world;
    scheduler.after(Math.min(STATUS_MS, this.#timeout / 2) / server.workers.rate, server.workers, () => {
      const connection = this.#connection;
      if (generation !== this.#generation || connection === null) return;
      if ((scheduler.now - this.heardAt) * server.workers.rate > this.#timeout) {
        this.#lost(generation);
        return;
      }
      this.#reply();
      const { source, data, replies } = connection;
      replies.send(source.workers, () => {
        data.send(server.workers, () => {
          if (generation === this.#generation) this.#hears();
        });
      });
      this.#status(generation);
    });
  }

  #watchSender(source: SimServer, walsender: SimWalsender): void {
    const { scheduler } = source.world;
    const look = (): void => {
      if (!walsender.alive) return;
      if (scheduler.now - walsender.lastReplyAt > SENDER_TIMEOUT_MS) walsender.close();
      else scheduler.after(SENDER_TIMEOUT_MS / 4, source.workers, look);
    };
    scheduler.after(SENDER_TIMEOUT_MS / 4, source.workers, look);
  }

  #lost(generation: number): void {
    if (generation !== this.#generation) return;
    this.end();
    this.#retryLater();
  }

  /** The timeline that it streams. */
  get timeline(): number {
    const connection = this.#connection;
    if (connection === null) return 0;
    return connection.source.wal[connection.source.flushed - 1]?.timeline ?? 0;
  }
}
