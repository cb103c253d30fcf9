import { memberOf } from '../../../src/ha/member.ts';
import type { ClusterRecord } from '../../../src/ha/record.ts';
import type { World } from '../world/world.ts';
import type { Copies } from './copies.ts';

type Fail = (rule: string, what: string) => void;

/** At the swap that gives an epoch away: the old primary can acknowledge nothing more, or its Lease is free. */
export class Takeovers {
  readonly #world: World;
  readonly #copies: Copies;
  readonly #fail: Fail;
  #highestTimeline = 0;

  constructor(world: World, copies: Copies, fail: Fail) {
    this.#world = world;
    this.#copies = copies;
    this.#fail = fail;
  }

  inherit(other: Takeovers): void {
    this.#highestTimeline = other.#highestTimeline;
  }

  /** `writtenAt`: when the record before was written, in virtual milliseconds. */
  onRecord(record: ClusterRecord, before: ClusterRecord | null, writtenAt: number): void {
    // A recovery in place, or its abandonment: nobody runs, and nobody is taken over.
    const isSameLife = before !== null && before.generation === record.generation;
    if (isSameLife && record.epoch > before.epoch && record.primary !== null) {
      const isNewTimeline = record.timeline !== before.timeline || record.primary !== before.primary;
      if (isNewTimeline && record.timeline <= this.#highestTimeline) {
        this.#fail(
          'a timeline number is reserved once',
          `epoch ${record.epoch} of ${record.primary} takes timeline ${record.timeline}; ${this.#highestTimeline} was given away`,
        );
      }
      // One that gives itself a higher number goes on with what it won.
      const goesOn = !isNewTimeline;
      if (!goesOn && record.primary !== before.settled.primary && before.settled.primary !== null) {
        if (before.settled.acks > 0) this.#requireSealed(record, before);
        else this.#requireFree(record, before, writtenAt);
      }
    }
    this.#highestTimeline = Math.max(this.#highestTimeline, record.highestTimeline);
  }

  /**
   * Handed over; or the promise of the last settled primary, whose Postgres does not run as one; or `n - k + 1` promises
   * of the settled cohort, on disk, of those very incarnations.
   */
  #requireSealed(record: ClusterRecord, before: ClusterRecord): void {
    const { settled } = before;
    if (before.holder === '' && before.ending?.target === record.primary) {
      this.#requireHandedOver(record, before);
      return;
    }
    this.#requireShared(record, before);
    const old = this.#world.machine(memberOf(settled.primary ?? ('' as never)));
    const runs = old.server !== null && old.server.identity === settled.primary && !old.server.inRecovery;
    if (!runs && old.volume.identity === settled.primary && old.volume.promise >= record.epoch) return;
    const promised = settled.cohort.filter((identity) => {
      const { volume } = this.#world.machine(memberOf(identity));
      const promise = volume.identity === identity ? volume.promise : (volume.lost.get(identity) ?? 0);
      return promise >= record.epoch;
    }).length;
    const need = settled.cohort.length - settled.acks + 1;
    if (promised >= need) return;
    this.#fail(
      'a takeover leaves the old primary without a quorum',
      `${record.primary} wins epoch ${record.epoch} with ${promised} of ${need} promises of ANY ${settled.acks} (${settled.cohort.join(', ')})`,
    );
  }

  /** The target of a planned end has the shutdown checkpoint on disk. */
  #requireHandedOver(record: ClusterRecord, before: ClusterRecord): void {
    if (before.primary === null) return;
    // It may be starting again by now: as a standby, which writes nothing.
    const last = this.#copies.walOf(before.primary)?.findLast(({ note }) => note === 'shutdown');
    if (last === undefined || this.#copies.has(record.primary ?? '', last)) return;
    this.#fail(
      'a planned end hands everything over',
      `${record.primary} wins epoch ${record.epoch} without the shutdown checkpoint of ${before.primary} at ${last.end}`,
    );
  }

  /** A takeover is begun by a majority that hears the primary no more, as far as the candidate can ask them. */
  #requireShared(record: ClusterRecord, before: ClusterRecord): void {
    if (before.holder === '' || before.primary === null || record.primary === null) return;
    const { machines, settings, scheduler, network } = this.#world;
    const old = memberOf(before.primary);
    const winner = memberOf(record.primary);
    if (winner === old) return;
    const primary = this.#world.machine(old);
    if (primary.agent?.listens !== true || primary.server === null || primary.agent.owner.frozen) return;
    // A standby that others stream from is nobody's primary: what they hear of it is no reason to wait.
    if (primary.server.inRecovery) return;
    const hearing = machines.filter(({ name, server, agent, frozen }) => {
      if (
        name === old ||
        name === winner ||
        server === null ||
        agent === null ||
        frozen ||
        agent.owner.frozen
      )
        return false;
      // It could not be asked, or heard the primary so haltingly that it said otherwise a moment ago; and whoever wakes
      // answers once by what it saw before it slept.
      if (agent.owner.thawedAt > scheduler.now - settings.suspectAfter) return false;
      const isAskedBadly = network.isBad(name, winner) || network.isBad(winner, name);
      if (isAskedBadly || network.link(old, name).slow > 0 || network.link(name, old).slow > 0) return false;
      const { receiver } = server;
      return (
        receiver.hearsSince < scheduler.now - 4 * settings.suspectAfter &&
        receiver.heardAt > scheduler.now - settings.suspectAfter / 2 &&
        server.upstream?.identity === before.primary
      );
    }).length;
    if (hearing === 0) return;
    const majority = Math.floor(machines.length / 2) + 1;
    if (machines.length - 1 - hearing >= majority) return;
    this.#fail(
      'suspicion is shared before a takeover',
      `${record.primary} wins epoch ${record.epoch} although ${hearing} members stream from ${before.primary}`,
    );
  }

  /** Asynchronous mode: released, or a whole duration without a change of the record, on the fastest clock. */
  #requireFree(record: ClusterRecord, before: ClusterRecord, writtenAt: number): void {
    if (before.holder === '' && before.ending?.target === record.primary) return;
    const isListed = (before.settled.cohort as readonly (string | null)[]).includes(record.primary);
    if (!isListed && before.primary !== record.primary) {
      this.#fail(
        'only a listed member acquires',
        `${record.primary} takes epoch ${record.epoch} and is not eligible`,
      );
    }
    if (before.holder === '' || before.primary === record.primary) return;
    const { now } = this.#world.scheduler;
    if ((now - writtenAt) * 1.005 >= before.leaseDuration) return;
    this.#fail(
      'a Lease is taken when it is free',
      `${record.primary} takes epoch ${record.epoch} ${Math.round(now - writtenAt)} ms after ${before.primary} wrote the record`,
    );
  }
}
