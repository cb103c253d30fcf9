import type { Context } from '../../../src/agent/context.ts';
import { Hold } from '../../../src/agent/hold.ts';
import { holdFor } from '../../../src/agent/hold-promise.ts';
import { Loop } from '../../../src/agent/loop.ts';
import { Observer } from '../../../src/agent/observe.ts';
import { peerState } from '../../../src/agent/peer-state.ts';
import { Peers } from '../../../src/agent/peers.ts';
import { Poolers } from '../../../src/agent/poolers.ts';
import { Promises } from '../../../src/agent/promises.ts';
import { RecordTracker } from '../../../src/agent/record-tracker.ts';
import { Tasks } from '../../../src/agent/tasks.ts';
import { WishList } from '../../../src/agent/wishes.ts';
import type {
  HoldAnswer,
  HoldRequest,
  LeadRequest,
  PeerState,
  PromiseAnswer,
  PromiseRequest,
} from '../../../src/ha/peer.ts';
import type { MemberRecord } from '../../../src/ha/record.ts';
import { epoch, type Instant, instant, type Millis, millis } from '../../../src/ha/units.ts';
import type { View } from '../../../src/ha/view.ts';
import type { Clock } from '../../../src/kubernetes/clock.ts';
import { LeaseKeeper } from '../../../src/kubernetes/lease-keeper.ts';
import { RecordWriter } from '../../../src/kubernetes/record-writer.ts';
import type { Process } from '../engine/scheduler.ts';
import { SimStore } from './api.ts';
import { portOf, SimInstance } from './instance.ts';
import type { Machine } from './machine.ts';
import type { SimServer } from './server.ts';
import type { World } from './world.ts';

const BEAT_MS = 500;
const CHORES_MS = 5_000;
const GRACE_MS = 25_000;

/**
 * One life of a member's agent: the real loop, observer, acts, promises, peers, tracker, keeper and writer, put together
 * as `src/agent/agent.ts`, `api.ts` and `services.ts` do, over simulated ports.
 */
export class SimAgent {
  readonly machine: Machine;
  readonly owner: Process;
  readonly instance: SimInstance;
  readonly context: Context;
  readonly #world: World;
  readonly #loop: Loop;
  readonly #store: SimStore;
  readonly #writer: RecordWriter;
  readonly #keeper: LeaseKeeper;
  readonly #tracker: RecordTracker;
  readonly #end = new AbortController();
  view: View | null = null;
  decidedAt = Number.NEGATIVE_INFINITY;
  #apiUp = false;
  #listening = false;
  #deadline: number | null = null;
  #announced: Pick<View['local'], 'identity' | 'floor' | 'systemIdentifier'> | null = null;
  #announcing = false;
  #checkpointed = -1;
  #stopAt: Instant | null = null;

  constructor(machine: Machine, owner: Process, boot: number) {
    this.machine = machine;
    this.owner = owner;
    this.#world = machine.world;
    this.instance = new SimInstance(machine, owner);
    const world = this.#world;
    const clock: Clock = {
      now: () => instant(machine.now()),
      sleep: (duration, signal) => this.#sleep(duration, signal),
    };
    const now = (): Instant => clock.now();
    const wake = (): void => this.#loop.wake();
    const hold = new Hold(`${machine.name}/uid-${machine.name}/boot${boot}`);
    const log = this.#log();
    this.#tracker = new RecordTracker(now, wake);
    this.#store = new SimStore({
      api: world.api,
      scheduler: world.scheduler,
      network: world.network,
      random: world.random.api,
      owner,
      member: machine.name,
      now: () => machine.now(),
      onSwapSent: (next) => world.checks.onSwapSent(machine.name, next),
    });
    this.#writer = new RecordWriter(this.#store, clock);
    this.#keeper = new LeaseKeeper({
      writer: this.#writer,
      log,
      clock,
      onRenewed: (current, sentAt) => {
        hold.renewedAt = sentAt;
        this.#tracker.onReachable(true);
        this.#tracker.onSwapped(current);
      },
      onConflict: () => {
        this.#tracker.onContradicted();
        wake();
      },
    });
    const announcer = {
      labelRole: () => Promise.resolve(),
      unlabelPrimary: () => Promise.resolve(),
      event: () => Promise.resolve(),
    };
    const parts = { store: this.#store, writer: this.#writer, keeper: this.#keeper, announcer };
    this.context = {
      self: machine.name,
      cluster: 'pg',
      clock,
      log,
      instance: portOf(this.instance),
      tracker: this.#tracker,
      peers: new Peers({
        self: machine.name,
        clock,
        token: () => null,
        tls: () => null,
        pingDeadline: () => world.settings.suspectAfter,
        onChange: wake,
      }),
      poolers: new Poolers(clock),
      tasks: new Tasks(now, wake, (task, error) => {
        world.coverage.count(`task failed: ${task.kind}`);
        world.trace(machine.name, `${task.kind} failed: ${String(error)}`);
      }),
      hold,
      wishes: new WishList(now, wake),
      promises: new Promises(wake),
      settings: () => world.settingsOf(machine.name),
      api: () => (this.#apiUp ? parts : null),
      bootstrap: null,
      recoverTo: (operation, highest) => async () => {
        const wal = world.archives.get(operation.id);
        if (wal === undefined) throw new TypeError(`no archive for ${operation.id}`);
        const { systemIdentifier } = operation.before;
        this.instance.restoring = { wal, timeline: highest + 1, systemIdentifier };
        return { inherited: epoch(Math.max(0, ...wal.map((record) => record.row?.epoch ?? 0))) };
      },
      keepWal: null,
      recruitment: null,
      failedRecruitAt: null,
      volumeWasFull: false,
      wake,
      beginDemotion: () => {
        hold.beginDemotion();
        this.#keeper.revoke();
      },
      onDoorOpened: () => this.#tend(),
      progress: () => undefined,
    };
    this.#loop = new Loop(
      this.context,
      new Observer(this.context),
      { setDeadline: (deadline) => this.#setDeadline(deadline) },
      {
        onView: (view) => {
          this.view = view;
          world.checks.onView(machine, view);
          if (this.#deadline !== null) world.checks.onDeadline(machine, this.#deadline, view);
          this.#announce(view);
        },
        onDecision: (decision, view) => {
          this.decidedAt = world.scheduler.now;
          world.onDecision(machine.name, decision, view);
        },
        onRound: () => {
          world.rounds += 1;
        },
      },
    );
    this.instance.onChange(wake);
  }

  start(): void {
    const { scheduler } = this.#world;
    const beat = (): void => {
      this.machine.beat();
      scheduler.after(BEAT_MS / this.machine.rate, this.owner, beat);
    };
    beat();
    this.#live().catch((error: unknown) =>
      this.#world.checks.fail('agent crashed', String((error as Error).stack)),
    );
  }

  async #live(): Promise<void> {
    const { context, instance } = this;
    const { signal } = this.#end;
    await instance.load();
    await instance.clearOrphans();
    void this.#bringUp(signal);
    void this.#loop.pulse(signal);
    void this.#watchGrace(signal);
    await this.#loop.run(signal);
    context.beginDemotion();
    await context.tasks.cancelAll();
    if (instance.process.state !== 'stopped') await instance.stop('fast');
    this.machine.world.trace(this.machine.name, 'the agent ends');
    const again = this.#world.random.agent.between(300, 1_500);
    this.machine.restartPod(again);
  }

  async #bringUp(signal: AbortSignal): Promise<void> {
    const { random } = this.#world;
    await this.#sleep(millis(random.agent.latency(80)), signal);
    while (this.view === null) await this.#sleep(millis(5), signal);
    this.#listening = true;
    this.#apiUp = true;
    void this.#keeper.run(signal);
    void this.#store.watch(
      {
        onRecord: (current) => this.#tracker.onWatch(current),
        onMember: (member, record) => this.context.peers.update(member, record),
        onReachable: (reachable) => this.#tracker.onReachable(reachable),
      },
      signal,
    );
    this.context.peers.start(signal);
    this.context.wake();
    void this.#chores(signal);
  }

  #setDeadline(deadline: number | null): void {
    this.#deadline = deadline;
    this.machine.setDeadline(deadline);
  }

  /** The process is gone. */
  ended(): void {
    this.#listening = false;
  }

  postmasterExited(server: SimServer): void {
    void server;
    this.instance.exited();
  }

  /** SIGTERM. */
  terminate(): void {
    this.context.wishes.shutdown();
  }

  async #watchGrace(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#sleep(millis(500), signal);
      const since = this.context.wishes.view().shutdownSince;
      if (since === null || this.context.clock.now() - since < GRACE_MS) continue;
      this.#end.abort();
      return;
    }
  }

  // --- What peers ask -------------------------------------------------------------------------------------------

  get listens(): boolean {
    return this.#listening && this.owner.alive;
  }

  peerState(): PeerState | null {
    return this.view === null
      ? null
      : peerState(this.view, this.context.clock.now(), this.context.peers.views());
  }

  promise(request: PromiseRequest, signal: AbortSignal): Promise<PromiseAnswer> {
    const answer = this.context.promises.ask(request, signal);
    void answer.then((given) => this.#world.checks.onPromised(this.machine, request, given));
    return answer;
  }

  lead(request: LeadRequest): null {
    this.context.wishes.lead(request.epoch);
    return null;
  }

  hold(request: HoldRequest): HoldAnswer {
    return holdFor(this.context, this.view, request);
  }

  // --- Chores ---------------------------------------------------------------------------------------------------

  async #chores(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#sleep(millis(CHORES_MS), signal);
      this.#tend();
      if (this.view !== null) this.#announce(this.view);
    }
  }

  #tend(): void {
    const { view } = this;
    if (view === null || view.local.state !== 'primary' || view.local.server === null) return;
    const epoch = view.record.lastValid?.epoch ?? 0;
    if (this.#checkpointed === epoch) return;
    this.#checkpointed = epoch;
    this.instance.checkpoint(AbortSignal.timeout(10_000)).then(
      () => this.context.wake(),
      () => {
        this.#checkpointed = -1;
      },
    );
  }

  #announce(view: View): void {
    if (!this.#apiUp || this.#announcing) return;
    const { local } = view;
    const identity = local.data === 'empty' ? null : local.identity;
    const known = this.#announced;
    if (
      known !== null &&
      known.identity === identity &&
      known.floor === local.floor &&
      known.systemIdentifier === local.systemIdentifier
    ) {
      return;
    }
    const record: MemberRecord = {
      member: this.machine.name,
      incarnation:
        identity === null
          ? null
          : (identity.slice(identity.lastIndexOf('-') + 1) as MemberRecord['incarnation']),
      systemIdentifier: local.systemIdentifier,
      host: this.machine.name,
      postgresPort: 5432,
      httpPort: 8008,
      https: false,
      floor: local.floor,
      tags: view.settings.tags,
    };
    this.#announcing = true;
    this.#store
      .writeMember(record, millis(5_000))
      .then(() => {
        this.#announced = { identity, floor: local.floor, systemIdentifier: local.systemIdentifier };
      })
      .catch(() => undefined)
      .finally(() => {
        this.#announcing = false;
      });
  }

  // --- Time -----------------------------------------------------------------------------------------------------

  #sleep(duration: Millis, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return Promise.resolve();
    const { promise, resolve } = Promise.withResolvers<void>();
    const onAbort = (): void => {
      this.#world.scheduler.cancel(event);
      resolve();
    };
    const event = this.#world.scheduler.after(Math.max(0, duration) / this.owner.rate, this.owner, () => {
      signal.removeEventListener('abort', onAbort);
      resolve();
    });
    signal.addEventListener('abort', onAbort);
    return promise;
  }

  #log() {
    const world = this.#world;
    const { name } = this.machine;
    const note = (fields: Readonly<Record<string, unknown>>, message: string): void => {
      if (fields.event === 'act.failed') {
        world.coverage.count(`act failed: ${String(fields.decision)}`);
        const error = fields.err as Error;
        if (error instanceof TypeError || error instanceof ReferenceError) {
          world.checks.fail('agent fault', `${name}: ${error.stack}`);
        }
      }
      if (world.tracing && fields.event !== 'decision') world.trace(name, message);
    };
    return { debug: note, info: note, warn: note, error: note };
  }

  get stopAt(): Instant | null {
    return this.#stopAt;
  }
}
