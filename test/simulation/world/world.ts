import type { Decision } from '../../../src/ha/decision.ts';
import { type MemberName, memberName } from '../../../src/ha/member.ts';
import { millis } from '../../../src/ha/units.ts';
import type { HaSettings, View } from '../../../src/ha/view.ts';
import { Checks } from '../checks/checks.ts';
import { useSources } from '../engine/install.ts';
import { Random } from '../engine/random.ts';
import { Scheduler } from '../engine/scheduler.ts';
import { useScheduler } from '../engine/timers.ts';
import { SimApi } from './api.ts';
import { Client } from './client.ts';
import { Coverage } from './coverage.ts';
import { setCurrentWorld } from './current.ts';
import { Machine } from './machine.ts';
import { Network } from './network.ts';

export interface WorldOptions {
  readonly seed: number;
  readonly members: number;
  readonly tracing: boolean;
  /** No fault of the schedule takes a member out of the others' reach. */
  readonly inReach: boolean;
  /** `acks: 0`: no commit waits; the Lease alone keeps two primaries apart. */
  readonly asynchronous: boolean;
}

/** Everything of one schedule: machines, network, API, clients and the checks that watch them. */
export class World {
  readonly scheduler = new Scheduler();
  readonly random: Readonly<Record<'net' | 'api' | 'wal' | 'disk' | 'agent' | 'faults' | 'clients', Random>>;
  readonly network: Network;
  readonly api: SimApi;
  readonly coverage = new Coverage();
  readonly checks: Checks;
  readonly machines: readonly Machine[];
  readonly clients: readonly Client[];
  readonly settings: HaSettings;
  readonly tracing: boolean;
  readonly inReach: boolean;
  readonly lines: string[] = [];
  rounds = 0;
  /** A digest of everything that was decided, and when. */
  digest = 2_166_136_261;
  readonly #settings = new Map<MemberName, HaSettings>();
  readonly #byName = new Map<string, Machine>();
  readonly #ends = new Map<string, (() => void)[]>();
  readonly #lastLine = new Map<string, string>();

  constructor(options: WorldOptions) {
    const { seed, members } = options;
    const stream = (name: string): Random => new Random(seed, name);
    this.random = {
      net: stream('net'),
      api: stream('api'),
      wal: stream('wal'),
      disk: stream('disk'),
      agent: stream('agent'),
      faults: stream('faults'),
      clients: stream('clients'),
    };
    this.tracing = options.tracing;
    this.inReach = options.inReach;
    useScheduler(this.scheduler);
    useSources(stream('platform'), () => this.scheduler.now);
    setCurrentWorld(this);
    this.network = new Network(this.scheduler, this.random.net);
    this.api = new SimApi(this.scheduler);
    this.checks = new Checks(this);
    this.api.onWrite = (record, by) => this.checks.onRecord(record, by);
    const setup = stream('setup');
    const names = Array.from({ length: members }, (_, ordinal) => memberName(`pg-${ordinal}`));
    const short = setup.chance(0.5);
    this.settings = {
      expectedMembers: names,
      durability: 'required',
      acks: options.asynchronous ? 0 : null,
      leaseDuration: millis(short ? 5_000 : 10_000),
      renewInterval: millis(short ? 1_666 : 3_333),
      drift: 0.01,
      stopTimeout: millis(short ? 1_000 : 2_000),
      suspectAfter: millis(1_000),
      recruitTimeout: millis(500),
      staleReadBound: millis(3_000),
      hungAfter: millis(10_000),
      dropAfter: millis(setup.pick([2_500, 5_000, 10_000])),
      stuckAfter: millis(60_000),
      maximumLagOnFailover: 1_048_576,
      tags: { nofailover: false, nosync: false, priority: 0 },
    };
    const special = setup.chance(0.2) && members > 2 ? setup.pick(names) : null;
    const preferred = setup.chance(0.2) ? setup.pick(names) : null;
    for (const name of names) {
      const tags = { nofailover: name === special, nosync: false, priority: name === preferred ? 1 : 0 };
      this.#settings.set(name, { ...this.settings, tags });
    }
    this.machines = names.map((name) => {
      const machine = new Machine(
        this,
        name,
        setup.between(0.996, 1.004),
        Math.round(setup.between(1e5, 1e9)),
      );
      this.#byName.set(name, machine);
      return machine;
    });
    this.clients = [new Client(this, 0), new Client(this, 1)];
  }

  machine(name: string): Machine {
    const machine = this.#byName.get(name);
    if (machine === undefined) throw new Error(`no machine ${name}`);
    return machine;
  }

  settingsOf(name: MemberName): HaSettings {
    return this.#settings.get(name) ?? this.settings;
  }

  onAgentEnd(name: string, told: () => void): void {
    const list = this.#ends.get(name) ?? [];
    list.push(told);
    this.#ends.set(name, list);
  }

  agentEnded(machine: Machine): void {
    if (machine.poweredOff) return;
    for (const told of this.#ends.get(machine.name) ?? []) told();
  }

  onDecision(member: string, decision: Decision, view: View): void {
    this.coverage.count(`decision: ${decision.kind}`);
    for (let index = 0; index < decision.kind.length; index++) {
      this.digest = Math.imul(this.digest ^ decision.kind.charCodeAt(index), 16_777_619);
    }
    this.digest = Math.imul(this.digest ^ Math.round(this.scheduler.now * 1_000), 16_777_619) >>> 0;
    if (!this.tracing) return;
    const line = `${view.local.state}: ${decision.kind}: ${decision.reason}`;
    if (this.#lastLine.get(member) === line) return;
    this.#lastLine.set(member, line);
    this.trace(member, line);
  }

  trace(who: string, what: string): void {
    if (!this.tracing) return;
    this.lines.push(`${(this.scheduler.now / 1_000).toFixed(4).padStart(9)} ${who.padEnd(6)} ${what}`);
  }
}
