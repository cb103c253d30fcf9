import type { Decision } from '../../../src/ha/decision.ts';
import { type MemberName, memberName } from '../../../src/ha/member.ts';
import type { HaSettings, View } from '../../../src/ha/view.ts';
import { Checks } from '../checks/checks.ts';
import { useSources } from '../engine/install.ts';
import { Random } from '../engine/random.ts';
import { Scheduler } from '../engine/scheduler.ts';
import { useScheduler } from '../engine/timers.ts';
import type { Fault } from '../faults/fault.ts';
import { staysInReach } from '../faults/plan.ts';
import type { Schedule } from '../schedule.ts';
import { SimApi } from './api.ts';
import { Client } from './client.ts';
import { Coverage } from './coverage.ts';
import { setCurrentWorld } from './current.ts';
import { Machine } from './machine.ts';
import { Network } from './network.ts';
import { settingsOf } from './settings.ts';
import type { Wal } from './wal.ts';

/** What draws from a stream of its own is not moved by what another draws. */
type Stream = 'net' | 'api' | 'wal' | 'disk' | 'agent' | 'faults' | 'clients' | 'identifiers';

/** Everything of one schedule: machines, network, API, clients and the checks that watch them. */
export class World {
  readonly scheduler = new Scheduler();
  readonly random: Readonly<Record<Stream, Random>>;
  readonly network: Network;
  readonly api: SimApi;
  readonly coverage: Coverage;
  readonly checks: Checks;
  readonly machines: readonly Machine[];
  readonly clients: readonly Client[];
  readonly settings: HaSettings;
  readonly tracing: boolean;
  /** No fault of the schedule takes a member out of the others' reach. */
  readonly inReach: boolean;
  readonly isAsynchronous: boolean;
  readonly lines: string[] = [];
  /** What the archive has for each recovery in place: WAL up to its target, all of it confirmed. */
  readonly archives = new Map<string, Wal>();
  rounds = 0;
  commits = 0;
  /** A volume is lost together with the record: neither progress nor all data can be asked of any protocol. */
  beyondMending = false;
  /** The faults have ceased. */
  quiet = false;
  /** Faults: how far the wall clock was set away, in milliseconds. */
  wallClockOffset = 0;
  /** A digest of everything that was decided, and when. */
  digest = 2_166_136_261;
  readonly #settings = new Map<MemberName, HaSettings>();
  readonly #byName = new Map<string, Machine>();
  readonly #ends = new Map<string, (() => void)[]>();
  readonly #lastLine = new Map<string, string>();
  readonly #waiting = new Map<Decision['kind'], ((decider: Machine) => void)[]>();
  #acts = 0;
  #acks: number | null = null;

  constructor(schedule: Schedule, tracing: boolean) {
    const { seed, members, setup } = schedule;
    const stream = (name: string): Random => new Random(seed, name);
    this.random = {
      net: stream('net'),
      api: stream('api'),
      wal: stream('wal'),
      disk: stream('disk'),
      agent: stream('agent'),
      faults: stream('faults'),
      clients: stream('clients'),
      identifiers: stream('identifiers'),
    };
    this.tracing = tracing;
    this.inReach = staysInReach(schedule.faults);
    this.isAsynchronous = setup.asynchronous;
    useScheduler(this.scheduler);
    useSources(stream('platform'), () => this.scheduler.now + this.wallClockOffset);
    setCurrentWorld(this);
    this.coverage = new Coverage(this.scheduler);
    this.network = new Network(this.scheduler, this.random.net);
    this.api = new SimApi(this.scheduler, (record, by) => this.checks.onRecord(record, by));
    this.checks = new Checks(this);
    const names = Array.from({ length: members }, (_, ordinal) => memberName(`pg-${ordinal}`));
    this.settings = settingsOf(setup, names, null);
    const clocks = stream('clocks');
    this.machines = names.map((name, ordinal) => {
      this.#settings.set(name, settingsOf(setup, names, ordinal));
      const rate = clocks.between(0.996, 1.004);
      const machine = new Machine(this, name, rate, Math.round(clocks.between(1e5, 1e9)));
      this.#byName.set(name, machine);
      return machine;
    });
    this.clients = Array.from({ length: schedule.clients }, (_, number) => new Client(this, number));
  }

  /** What counts as an event of the protocol: see the README. */
  get events(): number {
    return this.network.messages + this.api.calls + this.commits + this.#acts;
  }

  machine(name: string): Machine {
    const machine = this.#byName.get(name);
    if (machine === undefined) throw new Error(`no machine ${name}`);
    return machine;
  }

  settingsOf(name: MemberName): HaSettings {
    const settings = this.#settings.get(name) ?? this.settings;
    return this.#acks === null ? settings : { ...settings, acks: this.#acks };
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

  /** Somebody changes `ha.acks` in the configuration, which is read again while all runs. */
  askForAcks(acks: number): void {
    this.#acks = acks;
  }

  /** Told of the next decision of a kind, whoever takes it. */
  onNext(kind: Decision['kind'], told: (decider: Machine) => void): void {
    const list = this.#waiting.get(kind);
    if (list === undefined) this.#waiting.set(kind, [told]);
    else list.push(told);
  }

  onFault(fault: Fault): void {
    this.#acts += 1;
    this.coverage.fault(fault);
  }

  onDecision(member: string, decision: Decision, view: View): void {
    const { kind } = decision;
    this.digest = Math.imul(this.digest ^ hashOf(kind), 16_777_619);
    this.digest = Math.imul(this.digest ^ Math.round(this.scheduler.now * 1_000), 16_777_619) >>> 0;
    if (kind !== 'wait') {
      this.#acts += 1;
      this.coverage.decision(kind);
      const waiting = this.#waiting.get(kind);
      if (waiting !== undefined) {
        this.#waiting.delete(kind);
        for (const told of waiting) told(this.machine(member));
      }
    }
    if (!this.tracing) return;
    const line = `${view.local.state}: ${kind}: ${decision.reason}`;
    if (this.#lastLine.get(member) === line) return;
    this.#lastLine.set(member, line);
    this.trace(member, line);
  }

  trace(who: string, what: string): void {
    if (!this.tracing) return;
    this.lines.push(`${(this.scheduler.now / 1_000).toFixed(4).padStart(9)} ${who.padEnd(6)} ${what}`);
  }
}

const hashes = new Map<string, number>();

function hashOf(text: string): number {
  let hash = hashes.get(text);
  if (hash === undefined) {
    hash = 2_166_136_261;
    for (let index = 0; index < text.length; index++)
      hash = Math.imul(hash ^ text.charCodeAt(index), 16_777_619);
    hashes.set(text, hash);
  }
  return hash;
}
