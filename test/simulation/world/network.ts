import type { Random } from '../engine/random.ts';
import type { Process, Scheduler } from '../engine/scheduler.ts';

/** The way from one machine to another, in one direction. */
export interface Link {
  /** How many faults keep it cut. */
  cuts: number;
  /** Added to every message, in milliseconds. */
  slow: number;
  /** Of datagram-like exchanges (a call and its answer each): lost, or sent twice. */
  loss: number;
  /** Calls come a second time, up to so much later, in milliseconds. */
  repeat: number;
}

const LOOPBACK_MS = 0.05;

/** Machines by name; `api` is the Kubernetes API. Streams keep their order and are resent; calls may be lost. */
export class Network {
  /** How many were sent that arrive. */
  messages = 0;
  readonly #scheduler: Scheduler;
  readonly #random: Random;
  readonly #links = new Map<string, Map<string, Link>>();

  constructor(scheduler: Scheduler, random: Random) {
    this.#scheduler = scheduler;
    this.#random = random;
  }

  link(from: string, to: string): Link {
    let ways = this.#links.get(from);
    if (ways === undefined) {
      ways = new Map();
      this.#links.set(from, ways);
    }
    let link = ways.get(to);
    if (link === undefined) {
      link = { cuts: 0, slow: 0, loss: 0, repeat: 0 };
      ways.set(to, link);
    }
    return link;
  }

  isCut(from: string, to: string): boolean {
    return from !== to && this.link(from, to).cuts > 0;
  }

  /** Cut, or some of what is sent is lost. */
  isBad(from: string, to: string): boolean {
    return this.isCut(from, to) || this.link(from, to).loss > 0;
  }

  delay(from: string, to: string): number {
    return from === to ? LOOPBACK_MS : this.delayOn(this.link(from, to));
  }

  delayOn(link: Link): number {
    return this.#random.latency(0.6) + link.slow * this.#random.next();
  }

  /** One message of a call: it arrives once, or not at all, or (rarely, where the link is bad) twice. */
  send(from: string, to: string, receiver: Process | null, run: () => void): void {
    const link = this.link(from, to);
    if (from !== to && (link.cuts > 0 || (link.loss > 0 && this.#random.chance(link.loss)))) return;
    this.messages += 1;
    this.#scheduler.after(from === to ? LOOPBACK_MS : this.delayOn(link), receiver, run);
    if (link.repeat > 0 && this.#random.chance(0.5)) {
      this.#scheduler.after(link.repeat * this.#random.next() ** 2, receiver, run);
    }
    if (link.loss > 0 && this.#random.chance(link.loss / 2)) {
      this.#scheduler.after(this.delay(from, to) * 5, receiver, run);
    }
  }

  heal(): void {
    for (const ways of this.#links.values()) {
      for (const link of ways.values()) Object.assign(link, { cuts: 0, slow: 0, loss: 0, repeat: 0 });
    }
  }
}

/** One direction of a TCP connection between two machines: in order; what meets a cut is sent again until `closed`. */
export class Stream {
  closed = false;
  readonly #scheduler: Scheduler;
  readonly #network: Network;
  readonly #link: Link;
  #lastAt = 0;
  readonly #held: { receiver: Process; run: () => void }[] = [];
  #retrying = false;

  constructor(scheduler: Scheduler, network: Network, from: string, to: string) {
    this.#scheduler = scheduler;
    this.#network = network;
    this.#link = network.link(from, to);
  }

  send(receiver: Process, run: () => void): void {
    if (this.closed) return;
    if (this.#held.length > 0 || this.#link.cuts > 0) {
      this.#held.push({ receiver, run });
      this.#retry();
      return;
    }
    this.#pass(receiver, run);
  }

  #pass(receiver: Process, run: () => void): void {
    this.#network.messages += 1;
    const at = Math.max(this.#lastAt, this.#scheduler.now + this.#network.delayOn(this.#link));
    this.#lastAt = at;
    this.#scheduler.after(at - this.#scheduler.now, receiver, () => {
      if (!this.closed) run();
    });
  }

  #retry(): void {
    if (this.#retrying) return;
    this.#retrying = true;
    this.#scheduler.after(250, null, () => {
      this.#retrying = false;
      if (this.closed) return;
      if (this.#link.cuts > 0) {
        this.#retry();
        return;
      }
      for (const { receiver, run } of this.#held.splice(0)) this.#pass(receiver, run);
    });
  }
}
