import { type MemberIncarnation, type MemberName, memberOf } from '../../../src/ha/member.ts';
import type { PromiseAnswer, PromiseRequest } from '../../../src/ha/peer.ts';
import type { ClusterRecord, Floor } from '../../../src/ha/record.ts';
import type { View } from '../../../src/ha/view.ts';
import type { Machine } from '../world/machine.ts';
import type { SimServer } from '../world/server.ts';
import type { Volume } from '../world/volume.ts';
import { commonPrefix, holds, type Wal, type WalRecord } from '../world/wal.ts';
import type { World } from '../world/world.ts';
import { Claims } from './claims.ts';
import { Conduct } from './conduct.ts';
import { Copies } from './copies.ts';
import { Lives } from './lives.ts';
import { Repairs } from './repairs.ts';
import { Takeovers } from './takeovers.ts';

export interface Violation {
  readonly rule: string;
  readonly what: string;
  readonly at: number;
}

const LOST = 'no acknowledged commit is lost';
const RECEIVED = 'nothing is received after a promise';

/** For looks, restarts of the guard and the like, in milliseconds. */
const STALE_SLACK = 1_000;

/** A loop that nothing holds up decides so often, in milliseconds. */
const DECIDES_WITHIN = 700;

/** An unsettled primary asks members to come back after 5 s by its clock, in milliseconds. */
const ASKS_AFTER = 4_900;

/** Who was frozen so lately may be late, in milliseconds. */
const HELD_UP = 15_000;

export interface Acknowledged {
  readonly record: WalRecord;
  readonly by: MemberIncarnation;
  readonly at: number;
}

/** The invariants of the protocol, looked at whenever what they speak of changes. The first violation ends a schedule. */
export class Checks {
  violation: Violation | null = null;
  /** Commits that were acknowledged in quorum mode. */
  readonly acknowledged: Acknowledged[] = [];
  acknowledgements = 0;
  /** Somebody set the record back or deleted it: it may go backwards. */
  recordTamperedWith = false;
  /** Somebody edited `synchronous_standby_names`: that is put back, and nothing else is promised. */
  namesTamperedWith = false;
  readonly #world: World;
  readonly #promotions: { readonly server: SimServer; readonly wal: Wal; readonly timeline: number }[] = [];
  /** When each timeline was promoted to. */
  readonly #promotedAt = new Map<number, number>();
  readonly #epochOwner = new Map<number, string>();
  /** Epochs that somebody led or followed, and whose they were. */
  readonly #followed = new Set<string>();
  /** The acks that the record last published for the primary of each timeline. */
  readonly #publishedAcks = new Map<number, number>();
  readonly #settledTimelines = new Map<number, number>();
  /** Commits wait for a quorum since that was first published. */
  #quorum = false;
  #highestEpoch = 0;
  #highestSettled = 0;

  readonly #copies: Copies;
  readonly #claims: Claims;
  readonly #takeovers: Takeovers;
  readonly #conduct: Conduct;
  readonly #repairs: Repairs;
  readonly #lives: Lives;
  #lastRecord: ClusterRecord | null = null;
  #writtenAt = 0;

  constructor(world: World) {
    this.#world = world;
    const fail = (rule: string, what: string): void => this.fail(rule, what);
    this.#copies = new Copies(world);
    this.#claims = new Claims(world, this.#copies, fail);
    this.#takeovers = new Takeovers(world, this.#copies, fail);
    this.#conduct = new Conduct(world, fail);
    this.#repairs = new Repairs(world, fail);
    this.#lives = new Lives(world, fail, {
      begins: (wal) => this.#lifeBegins(wal),
      returns: (acknowledged) => this.#lifeReturns(acknowledged),
    });
  }

  /** A cluster that is taken back keeps what was acknowledged up to its target. */
  #lifeBegins(wal: Wal): readonly Acknowledged[] {
    const before = this.acknowledged.splice(0);
    this.acknowledged.push(...before.filter(({ record }) => holds(wal, record)));
    this.#quorum = false;
    return before;
  }

  /** One whose recovery is abandoned has everything that it had, and nothing of what came between. */
  #lifeReturns(acknowledged: readonly Acknowledged[]): void {
    this.acknowledged.splice(0, Number.POSITIVE_INFINITY, ...acknowledged);
    this.#quorum = false;
  }

  fail(rule: string, what: string): void {
    if (this.violation !== null) return;
    if (this.#world.beyondMending && rule === LOST) return;
    if (this.namesTamperedWith && rule !== 'progress') return;
    this.violation = { rule, what, at: this.#world.scheduler.now };
    this.#world.trace('CHECK', `VIOLATION of "${rule}": ${what}`);
    this.#world.scheduler.stop();
  }

  /** What was acknowledged before this schedule began. The last is enough: who holds it holds what came before it. */
  inherit(other: Checks): void {
    this.recordTamperedWith = other.recordTamperedWith;
    this.acknowledged.push(...other.acknowledged.slice(-1));
    for (const [epoch, owner] of other.#epochOwner) this.#epochOwner.set(epoch, owner);
    for (const [timeline, acks] of other.#publishedAcks) this.#publishedAcks.set(timeline, acks);
    for (const timeline of other.#settledTimelines.keys()) this.#settledTimelines.set(timeline, 0);
    for (const epoch of other.#followed) this.#followed.add(epoch);
    this.#promotions.push(...other.#promotions);
    this.#quorum = other.#quorum;
    this.#lastRecord = other.#lastRecord;
    this.#takeovers.inherit(other.#takeovers);
    this.#highestEpoch = other.#highestEpoch;
    this.#highestSettled = other.#highestSettled;
  }

  /** A volume is lost, or its data replaced: that incarnation is nobody any more. */
  onIncarnationEnds(volume: Volume): void {
    this.#copies.ended(volume);
  }

  /** What a recovery in place had set aside is in its place again. */
  onIncarnationReturns(volume: Volume): void {
    this.#copies.returned(volume);
  }

  /** How many records of a primary its published quorum has: what an archive may hold. */
  confirmedOn(server: SimServer, { settled }: ClusterRecord): number {
    let count = server.flushed;
    while (count > 0 && settled.acks > 0) {
      const record = server.wal[count - 1] as WalRecord;
      if (this.#copies.count(settled.cohort, record) >= settled.acks) break;
      count -= 1;
    }
    return count;
  }

  /** A client was told that its commit is safe. */
  onAcknowledged(server: SimServer, record: WalRecord): void {
    if ((this.#publishedAcks.get(record.timeline) ?? 0) === 0) {
      this.#world.coverage.count('commits acknowledged asynchronously');
      const later = this.#promotions.find((promotion) => promotion.timeline > record.timeline);
      if (later !== undefined && this.#world.settings.acks === 0) {
        this.fail(
          'one primary at a time acknowledges',
          `${server.identity} acknowledged ${describe(record)} after ${later.server.identity} had promoted to timeline ${later.timeline}`,
        );
      }
      return;
    }
    if (!this.recordTamperedWith) this.#claims.onAcknowledged(server, record);
    const entry = { record, by: server.identity, at: this.#world.scheduler.now };
    this.acknowledged.push(entry);
    this.acknowledgements += 1;
    for (const promotion of this.#promotions) {
      if (promotion.timeline > record.timeline && !holds(promotion.wal, record)) {
        this.fail(
          'no acknowledged commit is lost',
          `${server.identity} acknowledged ${describe(record)} although ${promotion.server.identity} had promoted to timeline ${promotion.timeline} without it`,
        );
      }
    }
  }

  onPromoted(server: SimServer, timeline: number): void {
    const other = this.#promotions.find((promotion) => promotion.timeline === timeline);
    if (other !== undefined) {
      this.fail(
        'a timeline belongs to one promotion',
        `${server.identity} and ${other.server.identity} promoted to ${timeline}`,
      );
    }
    this.#requireAll(server.wal, timeline, `${server.identity} promoted to timeline ${timeline}`);
    this.#conduct.onPromoted(server);
    this.#promotions.push({ server, wal: server.wal, timeline });
    this.#promotedAt.set(timeline, this.#world.scheduler.now);
    this.#world.trace(server.machine.name, `is primary on timeline ${timeline}`);
  }

  onStartedPrimary(server: SimServer): void {
    const timeline = server.wal[server.wal.length - 1]?.timeline ?? 1;
    this.#requireAll(server.wal, timeline + 0.5, `${server.identity} started as primary`);
  }

  #requireAll(wal: Wal, below: number, what: string): void {
    for (const { record, by } of this.acknowledged) {
      if (record.timeline < below && !holds(wal, record)) {
        this.fail(
          'no acknowledged commit is lost',
          `${what} without ${describe(record)}, acknowledged by ${by}`,
        );
        return;
      }
    }
  }

  /**
   * In quorum mode the guard is there for an agent that hangs (or waits for a reply of the API within an act): one that
   * decides round after round shuts the door itself.
   */
  onGuardKills(machine: Machine): void {
    const owner = machine.agent?.owner;
    const record = machine.agent?.view?.record.lastValid ?? null;
    if (owner === undefined || record === null || record.settled.acks === 0 || owner.frozen) return;
    const { server } = machine;
    if (server === null || server.state !== 'running' || !server.admits) return;
    const { now } = this.#world.scheduler;
    if (now - (machine.agent?.decidedAt ?? 0) > DECIDES_WITHIN) return;
    // Its next look and the closing of the door have to fit in there.
    if (this.#world.settings.stopTimeout < 1_000) return;
    const wasHeldUp = now - owner.thawedAt < HELD_UP || server.heldUpSince(now - HELD_UP);
    if (wasHeldUp) return;
    this.fail(
      'an isolated primary shuts its door',
      `the guard of ${machine.name} had to kill Postgres, although its agent lives`,
    );
  }

  onRowAcknowledged(server: SimServer, record: WalRecord): void {
    this.#world.trace(server.machine.name, `acknowledged: ${record.note}`);
  }

  /** A primary that another has followed must have shut its door within a bound, wherever it is. */
  #requireFresh(server: SimServer, timeline: number): void {
    const { scheduler } = this.#world;
    const bound = this.#staleBound;
    for (const [later, at] of this.#settledTimelines) {
      if (later <= timeline || scheduler.now - at < bound) continue;
      if (scheduler.now - server.machine.thawedAt < STALE_SLACK) continue;
      this.fail(
        'an isolated primary shuts its door',
        `${server.identity} lets clients in ${Math.round(scheduler.now - at)} ms after timeline ${later} was settled`,
      );
    }
  }

  get #staleBound(): number {
    const { staleReadBound, stopTimeout } = this.#world.settings;
    return staleReadBound + stopTimeout + STALE_SLACK;
  }

  /** Once a timeline was settled for so long, nobody lets clients read from an older one. */
  #requireDoorsShut(timeline: number): void {
    for (const { server, agent, frozen } of this.#world.machines) {
      if (server === null || server.state !== 'running' || server.inRecovery || !server.admits || frozen)
        continue;
      const processes = [server.workers, server.postmaster, ...(agent === null ? [] : [agent.owner])];
      if (processes.some((process) => process.frozen)) continue;
      const own = server.wal[server.wal.length - 1]?.timeline ?? 1;
      if (own < timeline) this.#requireFresh(server, own);
    }
  }

  /** A client's statement writes. */
  onClientWrites(server: SimServer): void {
    const timeline = server.wal[server.wal.length - 1]?.timeline ?? 1;
    this.#requireFresh(server, timeline);
    if (!this.#settledTimelines.has(timeline)) {
      this.fail(
        'the door is closed until the epoch is settled',
        `a client writes on ${server.identity}, timeline ${timeline}`,
      );
    }
  }

  onRecord(record: ClusterRecord, by: string): void {
    this.#world.trace(
      by,
      `RECORD epoch ${record.epoch} ${record.primary} holder=${record.holder.slice(0, 4)} tl ${record.timeline}/${record.highestTimeline} settled ${record.settled.epoch} ${record.settled.primary} ANY ${record.settled.acks} (${record.settled.cohort.join(',')})${record.ending ? ` ending ${record.ending.target}` : ''}`,
    );
    const before = this.#lastRecord;
    const writtenAt = this.#writtenAt;
    this.#lastRecord = record;
    this.#writtenAt = this.#world.scheduler.now;
    if (by === 'fault') return;
    if (before !== null && !this.recordTamperedWith) this.#lives.onRecord(record, before);
    if (!this.recordTamperedWith) {
      this.#claims.onRecord(record, before);
      this.#takeovers.onRecord(record, before, writtenAt);
    }
    const isWin = before === null ? record.epoch > this.#highestEpoch : record.epoch > before.epoch;
    if (isWin && record.primary !== null && record.epoch > 1) this.#requireWinner(record);
    if (isWin && by !== 'person') this.#repairs.onWon(record, before);
    if (this.recordTamperedWith && !this.#world.beyondMending && by !== 'person')
      this.#repairs.onRecord(record, before, this.#highestEpoch);
    const owner = this.#epochOwner.get(record.epoch);
    if (record.primary !== null && record.epoch > 0) {
      // Once the record was lost, only floors and promises tell that an epoch was won: no floor, and nothing came of it.
      const cameOfIt = !this.recordTamperedWith || this.#followed.has(`${record.epoch} ${owner}`);
      if (owner !== undefined && owner !== record.primary && !cameOfIt)
        this.#world.coverage.count('an epoch that nobody followed is given again');
      if (owner !== undefined && owner !== record.primary && cameOfIt) {
        this.fail(
          'an epoch belongs to one primary',
          `epoch ${record.epoch} of ${owner} was given to ${record.primary}`,
        );
      }
      this.#epochOwner.set(record.epoch, record.primary);
    }
    if (record.epoch < this.#highestEpoch && !this.recordTamperedWith) {
      this.fail('epochs only go up', `${by} wrote epoch ${record.epoch} after ${this.#highestEpoch}`);
    }
    this.#highestEpoch = Math.max(this.#highestEpoch, record.epoch);
    const { settled } = record;
    if (settled.acks > 0) this.#quorum = true;
    else if (this.#quorum && !this.recordTamperedWith) {
      this.fail('acknowledgements are never waived', `${by} published k = 0 in epoch ${record.epoch}`);
    }
    if (settled.timeline > 0 && settled.epoch > 0) {
      this.#publishedAcks.set(settled.timeline, settled.acks);
      if (!this.#settledTimelines.has(settled.timeline)) {
        this.#settledTimelines.set(settled.timeline, this.#world.scheduler.now);
        this.#world.scheduler.after(this.#staleBound + 1, null, () =>
          this.#requireDoorsShut(settled.timeline),
        );
      }
    }
    if (settled.epoch > this.#highestSettled && settled.primary !== null) {
      this.#highestSettled = settled.epoch;
      const machine = this.#world.machine(memberOf(settled.primary));
      const wal = machine.server?.identity === settled.primary ? machine.server.wal : null;
      if (wal !== null)
        this.#requireAll(
          wal,
          settled.timeline + 0.5,
          `epoch ${settled.epoch} of ${settled.primary} was settled`,
        );
      this.#world.coverage.count('epochs settled');
    }
  }

  /** Whoever wins holds what was acknowledged, on disk, at the moment of the swap. */
  #requireWinner(record: ClusterRecord): void {
    const winner = record.primary;
    if (winner === null) return;
    for (const entry of this.acknowledged) {
      if (this.#copies.has(winner, entry.record)) continue;
      this.fail(
        'no acknowledged commit is lost',
        `${winner} wins epoch ${record.epoch} without ${describe(entry.record)}, acknowledged by ${entry.by}`,
      );
      return;
    }
  }

  /** A directory is about to be rewound or replaced by what a source holds. */
  onReplaced(machine: Machine, source: string, wal: Wal, how: string): void {
    const { volume } = machine;
    if (volume.wal === null) return;
    this.#world.coverage.count(`data replaced: ${how}`);
    if (!volume.broken && commonPrefix(volume.wal, wal) >= volume.wal.length) {
      this.fail(
        'nothing is replaced that has not diverged',
        `${machine.name} is to be made anew by a ${how} of ${source}, which holds all that it has`,
      );
    }
    const timeline = wal.at(-1)?.timeline ?? 0;
    const since = this.#world.scheduler.now - (this.#promotedAt.get(timeline) ?? Number.NEGATIVE_INFINITY);
    if (!volume.broken && !this.#settledTimelines.has(timeline) && since < ASKS_AFTER) {
      this.fail(
        'data is replaced by what is settled',
        `${machine.name} is to be made anew by a ${how} of ${source}, whose timeline ${timeline} was never settled`,
      );
    }
    for (const { record } of this.acknowledged) {
      if (holds(volume.wal, record) && !holds(wal, record)) {
        this.fail(
          'nothing is destroyed on a guess',
          `${machine.name} drops ${describe(record)} by a ${how} of ${source}, which has it not`,
        );
        return;
      }
    }
  }

  onInitialize(machine: Machine): void {
    for (const other of this.#world.machines) {
      if (other.volume.wal !== null) {
        this.fail(
          'initdb only where nobody has data',
          `${machine.name} runs initdb although ${other.name} has data`,
        );
      }
    }
  }

  /** Its Postgres is started. */
  onStart(machine: Machine): void {
    this.#conduct.onStart(machine);
  }

  onFloor(volume: Volume, floor: Floor): void {
    if (volume.floor !== null && floor.epoch < volume.floor.epoch) {
      this.fail(
        'a floor never goes down',
        `${volume.member} writes floor ${floor.epoch} after ${volume.floor.epoch}`,
      );
    }
    this.#followed.add(`${floor.epoch} ${floor.primary}`);
    if (volume.sealedAt !== null && floor.epoch >= volume.sealedAt) volume.sealedAt = null;
  }

  onPromised(machine: Machine, request: PromiseRequest, answer: PromiseAnswer): void {
    if (!answer.granted) return;
    this.#conduct.onPromised(machine, request, answer);
    if (machine.server?.receiver.running === true) {
      this.fail(RECEIVED, `${machine.name} promised epoch ${answer.epoch}, and its WAL receiver runs`);
    }
    if ((machine.volume.floor?.epoch ?? 0) < answer.epoch) machine.volume.sealedAt = answer.epoch;
  }

  /** A standby received WAL. */
  onReceived(server: SimServer, record: WalRecord): void {
    const { volume, machine } = server;
    if (volume.sealedAt === null || machine.agent?.context.recruitment != null) return;
    this.fail(RECEIVED, `${machine.name} promised epoch ${volume.sealedAt} and received ${describe(record)}`);
  }

  onView(machine: Machine, view: View): void {
    this.#conduct.onView(machine, view);
  }

  onSwapSent(member: MemberName, next: ClusterRecord): void {
    this.#conduct.onSwapSent(this.#world.machine(member), next);
  }

  /** The guard of a primary without a quorum mode to fall back on shall kill before anybody may take the Lease. */
  onDeadline(machine: Machine, deadline: number, view: View): void {
    const record = view.record.lastValid;
    if (record === null || record.settled.acks > 0 || this.#quorum || view.hold.heldUntil !== null) return;
    if (record.holder !== view.hold.holder || record.paused) return;
    const at = (deadline - machine.base) / machine.rate;
    if (at <= this.#writtenAt + record.leaseDuration) return;
    this.fail(
      'the guard kills before the Lease is free',
      `${machine.name} has until ${Math.round(at)}, the record was written at ${Math.round(this.#writtenAt)}`,
    );
  }
}

function describe(record: WalRecord): string {
  return `commit ${record.note} (timeline ${record.timeline}, ${record.end})`;
}
