import type { MemberName } from '../../../src/ha/member.ts';
import { type Event, Process } from '../engine/scheduler.ts';
import { SimAgent } from './agent.ts';
import { SimServer } from './server.ts';
import { Volume } from './volume.ts';
import type { World } from './world.ts';

const GUARD_AFTER_MS = 3_000;
const GUARD_TICK_MS = 50;

/** One member's machine: its volume, its Postgres, its agent and the guard between them, by one clock. */
export class Machine {
  readonly world: World;
  readonly name: MemberName;
  readonly rate: number;
  readonly base: number;
  readonly volume: Volume;
  server: SimServer | null = null;
  agent: SimAgent | null = null;
  /** Its pod is there. */
  up = false;
  /** The node is off: nobody even refuses a connection. */
  poweredOff = false;
  frozen = false;
  thawedAt = Number.NEGATIVE_INFINITY;
  /** The epoch whose primary the agent has begun to stop. */
  demotedIn: number | null = null;
  /** Faults of the disk: every sync takes so much longer. */
  syncDelay = 0;
  /** When the disk was last slow. */
  slowAt = Number.NEGATIVE_INFINITY;
  /** Faults: processes of Postgres read their settings so much later. */
  lateReload = 0;
  /** The guard: the last proof of the agent's life, and when it kills. */
  #guard: Process | null = null;
  /** Guards whose agent is gone, and that have not come to kill what it left. */
  readonly #lastGuards = new Set<Process>();
  #beatAt = 0;
  #deadline: number | null = null;
  #spent = false;
  /** When the guard looks next, by this machine's clock. */
  #look: Event | null = null;
  #lookAt = 0;
  #boots = 0;

  constructor(world: World, name: MemberName, rate: number, base: number) {
    this.world = world;
    this.name = name;
    this.rate = rate;
    this.base = base;
    this.volume = new Volume(name);
  }

  /** Whether a connection to a port where nobody listens is refused: the node is there. */
  get refuses(): boolean {
    return !this.poweredOff && !this.frozen;
  }

  /** Its own monotonic clock. */
  now(): number {
    return this.base + this.world.scheduler.now * this.rate;
  }

  fsync(): number {
    if (this.syncDelay > 0) this.slowAt = this.world.scheduler.now;
    return this.world.random.disk.latency(1.5, 15) + this.syncDelay * this.world.random.disk.next();
  }

  reloadLag(): number {
    const { wal } = this.world.random;
    return wal.latency(10, 8) + this.lateReload * wal.next();
  }

  /** The pod starts. */
  boot(): void {
    if (this.up || this.poweredOff) return;
    this.up = true;
    this.frozen = false;
    this.#startAgent();
  }

  #startAgent(): void {
    this.#boots += 1;
    const owner = new Process(`${this.name}:agent${this.#boots}`, this.rate, this.base);
    this.#startGuard();
    this.agent = new SimAgent(this, owner, this.#boots);
    this.world.scheduler.after(1, owner, () => this.agent?.start());
  }

  /** The agent's process ends, by itself or not. The guard sees the end of its input. */
  endAgent(released: boolean): void {
    const { agent } = this;
    if (agent === null) return;
    agent.owner.alive = false;
    agent.ended();
    this.agent = null;
    this.world.agentEnded(this);
    const guard = this.#guard;
    this.#guard = null;
    if (guard === null) return;
    if (released) {
      guard.alive = false;
      return;
    }
    this.#lastGuards.add(guard);
    this.world.scheduler.after(this.world.random.faults.latency(3, 10), guard, () => {
      this.#lastGuards.delete(guard);
      this.#kill('the agent is gone');
    });
  }

  /** Everything of the pod ends. */
  #endPod(): void {
    this.endAgent(true);
    for (const guard of this.#lastGuards) guard.alive = false;
    this.#lastGuards.clear();
    this.server?.vanish(false);
  }

  /** The pod's main process is gone: everything of the pod ends, and it is started again. */
  restartPod(after: number): void {
    this.up = false;
    this.#endPod();
    this.world.scheduler.after(after, null, () => this.boot());
  }

  /** Power off, or the pod is deleted by force: everything is gone at once. */
  crash(): void {
    if (!this.up) return;
    this.up = false;
    this.thaw();
    this.#endPod();
  }

  /** A new agent in the same pod, after the old one died: its guard kills what that one left. */
  restartAgent(): void {
    if (!this.up || this.agent !== null) return;
    this.#startAgent();
  }

  freeze(): void {
    if (!this.up || this.frozen) return;
    this.frozen = true;
    for (const process of this.processes()) this.world.scheduler.freeze(process);
  }

  thaw(): void {
    if (!this.frozen) return;
    this.frozen = false;
    this.thawedAt = this.world.scheduler.now;
    const processes = this.processes();
    // In any order: the guard may come before the agent or after it.
    if (this.world.random.faults.chance(0.5)) processes.reverse();
    for (const process of processes) this.world.scheduler.thaw(process);
  }

  processes(): Process[] {
    const all: Process[] = [];
    if (this.agent !== null) all.push(this.agent.owner);
    if (this.#guard !== null) all.push(this.#guard);
    all.push(...this.#lastGuards);
    const { server } = this;
    if (server !== null && server.state !== 'gone') {
      all.push(server.workers, server.postmaster, ...[...server.sessions].map((session) => session.backend));
    }
    return all;
  }

  launch(names: string, asStandby: boolean): SimServer {
    this.world.checks.onStart(this);
    this.server = new SimServer(this.world, this, names, asStandby);
    return this.server;
  }

  onPostmasterExit(server: SimServer): void {
    if (this.server === server) this.agent?.postmasterExited(server);
  }

  onServerGone(server: SimServer): void {
    if (this.server === server) this.server = null;
  }

  // --- The guard --------------------------------------------------------------------------------------------------

  #startGuard(): void {
    const guard = new Process(`${this.name}:guard`, this.rate, this.base);
    this.#look = null;
    guard.frozen = this.frozen;
    this.#guard = guard;
    this.#deadline = null;
    this.#spent = false;
    this.#beatAt = this.now();
    this.#watch(guard);
  }

  beat(): void {
    this.#beatAt = this.now();
    this.#spent = false;
  }

  /** By this machine's clock. */
  setDeadline(deadline: number | null): void {
    this.#deadline = deadline;
    if (deadline !== null && deadline < this.#lookAt && this.#guard !== null && !this.#guard.frozen)
      this.#watch(this.#guard);
  }

  /** It looks every `GUARD_TICK_MS`; only the looks that see something to do are made. */
  #watch(guard: Process): void {
    const due = Math.min(
      this.#spent ? Number.POSITIVE_INFINITY : this.#beatAt + GUARD_AFTER_MS,
      this.#deadline ?? Number.POSITIVE_INFINITY,
    );
    const now = this.now();
    const until = Math.min(due, now + GUARD_AFTER_MS);
    const ticks = Math.max(1, Math.ceil((until - now) / GUARD_TICK_MS));
    if (this.#look !== null) this.world.scheduler.cancel(this.#look);
    this.#lookAt = now + ticks * GUARD_TICK_MS;
    this.#look = this.world.scheduler.after((ticks * GUARD_TICK_MS) / this.rate, guard, () => {
      const now = this.now();
      if (!this.#spent && now >= this.#beatAt + GUARD_AFTER_MS) this.#kill('the agent is silent');
      else if (this.#deadline !== null && now >= this.#deadline) {
        if (this.server !== null) this.world.checks.onGuardKills(this);
        this.#kill('the deadline has passed');
      }
      this.#watch(guard);
    });
  }

  #kill(why: string): void {
    this.#spent = true;
    this.#deadline = null;
    const { server } = this;
    if (server === null || server.state === 'gone') return;
    this.world.coverage.count(`guard: ${why}`);
    this.world.trace(this.name, `guard kills Postgres: ${why}`);
    server.vanish(false);
  }
}
