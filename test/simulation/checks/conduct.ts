import { memberOf } from '../../../src/ha/member.ts';
import type { PromiseAnswer, PromiseRequest } from '../../../src/ha/peer.ts';
import type { ClusterRecord } from '../../../src/ha/record.ts';
import { elapsed } from '../../../src/ha/units.ts';
import type { View } from '../../../src/ha/view.ts';
import type { Machine } from '../world/machine.ts';
import type { SimServer } from '../world/server.ts';
import type { World } from '../world/world.ts';

type Fail = (rule: string, what: string) => void;

/** A superseded primary that looks so often and goes on is one that does not stop. */
const LOOKS = 5;
/** A look at an API that does not answer may come in between, in milliseconds. */
const STOPS_WITHIN = 2_500;

/** How often a member may be started under one fence. */
const STARTS = 4;

/** What single members may do, whatever comes of it: promises, renewals, the end of a primary. */
export class Conduct {
  readonly #world: World;
  readonly #fail: Fail;
  readonly #told = new Map<string, number>();
  readonly #started = new Map<string, number>();
  readonly #superseded = new Map<string, { readonly looks: number; readonly since: number }>();

  constructor(world: World, fail: Fail) {
    this.#world = world;
    this.#fail = fail;
  }

  onPromised(machine: Machine, request: PromiseRequest, answer: PromiseAnswer): void {
    if (!answer.granted) return;
    const { volume, agent } = machine;
    if (volume.promise < answer.epoch) {
      this.#fail(
        'a promise is on disk before it is told',
        `${machine.name} told ${answer.epoch}, has ${volume.promise}`,
      );
    }
    const before = this.#told.get(answer.identity) ?? 0;
    if (answer.epoch < before) {
      this.#fail(
        'a promise is never taken back',
        `${answer.identity} promised ${answer.epoch} after it had promised ${before}`,
      );
    }
    this.#told.set(answer.identity, Math.max(before, answer.epoch));
    const floor = volume.floor?.epoch ?? 0;
    if (answer.epoch <= floor) {
      this.#fail(
        'nobody promises an epoch that it follows',
        `${answer.identity} promised ${answer.epoch}, follows ${floor}`,
      );
    }
    // Under a record that went backwards it goes by the last valid one.
    const isValid = !this.#world.checks.recordTamperedWith;
    if (isValid && agent?.view != null) this.#requireDeaf(agent.view, request);
  }

  /** "Promising above `e` forbids promoting and settling in `e`." Its floor says in which epoch it promotes. */
  onPromoted({ volume, identity }: SimServer): void {
    if (volume.floor === null || volume.promise <= volume.floor.epoch) return;
    this.#fail(
      'who promised a higher epoch does not promote',
      `${identity} promotes in epoch ${volume.floor.epoch} and has promised ${volume.promise}`,
    );
  }

  /** A member that hears the primary refuses to be recruited. */
  #requireDeaf(view: View, request: PromiseRequest): void {
    const record = view.record.current?.record ?? null;
    const { server } = view.local;
    if (
      record === null ||
      record.holder === '' ||
      record.primary === null ||
      record.epoch !== request.recordEpoch
    )
      return;
    if (record.primary === request.candidate || server?.follows !== record.primary) return;
    const { receiver } = server;
    if (receiver?.streaming !== true || elapsed(receiver.heardAt, view.now) > view.settings.suspectAfter)
      return;
    // A winner that came down and promised more since is a standby, and will lead no more.
    const { server: its } = this.#world.machine(memberOf(record.primary));
    if (its?.inRecovery === true && its.volume.promise > record.epoch) return;
    this.#fail(
      'who hears the primary does not promise',
      `${view.self} promised ${request.epoch} to ${request.candidate} while it streamed from ${record.primary}`,
    );
  }

  /** "A fenced member keeps its agent up and its Postgres down until lifted." One that has yet to hear of it may start. */
  onStart({ name }: Machine): void {
    const isFenced = this.#world.api.current?.record.fenced.includes(name) ?? false;
    const starts = isFenced ? (this.#started.get(name) ?? 0) + 1 : 0;
    this.#started.set(name, starts);
    if (starts > STARTS) {
      this.#fail('a fenced member stays down', `${name} is fenced, and was started ${starts} times since`);
    }
  }

  onView(machine: Machine, view: View): void {
    const { local, record } = view;
    const own = record.lastValid;
    const superior =
      local.state === 'primary' &&
      own !== null &&
      own.primary === local.identity &&
      view.peers.some(
        ({ state }) =>
          state?.floor != null &&
          state.clusterUID === local.clusterUID &&
          state.floor.epoch > own.epoch &&
          state.floor.primary !== local.identity,
      );
    if (!superior) {
      this.#superseded.delete(machine.name);
      return;
    }
    const { now } = this.#world.scheduler;
    const { looks, since } = this.#superseded.get(machine.name) ?? { looks: 0, since: now };
    this.#superseded.set(machine.name, { looks: looks + 1, since });
    if (looks < LOOKS || now - since < STOPS_WITHIN) return;
    this.#fail('a superseded primary stops', `${machine.name} saw ${looks + 1} times that its epoch is over`);
  }

  /** A swap leaves a member: no renewal does, once its Postgres is being stopped. */
  onSwapSent(machine: Machine, next: ClusterRecord): void {
    const before = this.#world.api.current?.record ?? null;
    if (before === null || machine.demotedIn === null || next.epoch !== machine.demotedIn) return;
    // A claim on the next life of the cluster: what was demoted is of the life before.
    if (next.recovery !== undefined && next.systemIdentifier === '') return;
    const isRenewal =
      next.holder !== '' &&
      next.holder === before.holder &&
      next.primary === before.primary &&
      next.settled.epoch === before.settled.epoch &&
      next.ending?.target === before.ending?.target;
    if (!isRenewal) return;
    this.#fail(
      'nothing is renewed once a demotion has begun',
      `${machine.name} renews epoch ${next.epoch} while it stops its primary`,
    );
  }
}
