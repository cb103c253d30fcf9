import { setTimeout as sleep } from 'node:timers/promises';
import type { Bouncer } from './bouncer.ts';
import { type Action, decide, type PoolerState, START } from './decide.ts';
import { type IniOptions, renderIni } from './ini.ts';
import { type Topology, topologyOf } from './topology.ts';
import { askAll } from './watch.ts';

export interface FollowOptions extends IniOptions {
  /** Base URLs of the agents. */
  readonly members: readonly URL[];
  /** What they know this pooler by. */
  readonly name: string;
  /** Milliseconds. */
  readonly pollEvery: number;
  readonly holdMost: number;
}

export type Log = (event: string, message: string) => void;

/** While a planned end is near, the agents are asked so many times as often. */
const NEAR = 5;

/** How long connections that log in are waited for at most, in milliseconds. */
const PATIENCE = 200;

/** Keeps PgBouncer at the primary. */
export class Follower {
  readonly #options: FollowOptions;
  readonly #bouncer: Bouncer;
  readonly #log: Log;
  #state: PoolerState = START;
  /** Actions that failed, for the next round. */
  #undone: readonly Action[] = [];
  /** Clients wait, and no transaction of theirs runs. */
  #drained = false;
  #wake = new AbortController();

  constructor(options: FollowOptions, bouncer: Bouncer, log: Log) {
    this.#options = options;
    this.#bouncer = bouncer;
    this.#log = log;
  }

  /** Resolves once a primary is known and in the file that PgBouncer will read, or `signal` aborts. */
  async find(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const { state, actions, reason } = this.#decide(await this.#ask(signal));
      this.#state = state;
      if (state.primary !== null) {
        this.#log('pooler.found', reason);
        await this.#bouncer.write('pgbouncer.ini', renderIni(this.#options, state));
        // What else there is to do is for PgBouncer, once it runs.
        this.#undone = actions.filter((action) => action !== 'write');
        return;
      }
      await this.#sleep(signal);
    }
  }

  /** Follows until `signal` aborts. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const topology = await this.#ask(signal);
      const move = this.#decide(topology);
      const actions = [...new Set([...this.#undone, ...move.actions])].filter(
        // What came later stands: no clients are let go that should wait, nor the other way round.
        (action) =>
          move.actions.includes(action) ||
          action === 'write' ||
          !move.actions.some((other) => other !== 'write'),
      );
      if (move.actions.length > 0) this.#log(`pooler.${move.actions.join('+')}`, move.reason);
      this.#state = move.state;
      this.#undone = await this.#carryOut(actions, topology.leader !== null);
      await this.#sleep(signal, topology.leader?.ending === true || move.state.heldSince !== null);
    }
  }

  #decide(topology: Topology): ReturnType<typeof decide> {
    return decide(this.#state, topology, performance.now(), this.#options.holdMost);
  }

  async #ask(signal: AbortSignal): Promise<Topology> {
    const { members, name, poolMode } = this.#options;
    // Sessions end when their clients want: no planned end is to wait for that.
    const word = poolMode === 'session' ? null : { name, holds: this.#drained };
    return topologyOf(await askAll(members, word, signal), Date.now());
  }

  async #sleep(signal: AbortSignal, isNear = false): Promise<void> {
    const { pollEvery } = this.#options;
    if (this.#wake.signal.aborted) this.#wake = new AbortController();
    const ends = AbortSignal.any([signal, this.#wake.signal]);
    await sleep(isNear ? pollEvery / NEAR : pollEvery, undefined, { signal: ends }).catch(() => {});
  }

  /** The actions that failed, to be tried in the next round. */
  async #carryOut(actions: readonly Action[], isPlanned: boolean): Promise<readonly Action[]> {
    for (const [index, action] of actions.entries()) {
      try {
        await this.#act(action, isPlanned);
      } catch (error) {
        this.#log('pooler.failed', `${action}: ${error instanceof Error ? error.message : String(error)}`);
        return actions.slice(index);
      }
    }
    return [];
  }

  async #act(action: Action, isPlanned: boolean): Promise<void> {
    const { databases } = this.#options;
    const { console } = this.#bouncer;
    switch (action) {
      case 'write':
        await this.#bouncer.write('pgbouncer.ini', renderIni(this.#options, this.#state));
        await console.reload(PATIENCE);
        return;
      case 'pause':
        await this.#pause(isPlanned);
        return;
      case 'resume':
        this.#drained = false;
        await Promise.all(databases.map((name) => console.resume(name)));
        return;
    }
  }

  async #pause(isPlanned: boolean): Promise<void> {
    const { databases, holdMost } = this.#options;
    const { console } = this.#bouncer;
    const hold = this.#state.heldSince;
    // Logins at a primary that is gone fail anyway.
    const patience = isPlanned ? PATIENCE : 0;
    const paused = await Promise.all(databases.map((name) => console.pause(name, holdMost, patience)));
    void Promise.all(paused.map(({ drained }) => drained)).then((drained) => {
      if (hold === null || this.#state.heldSince !== hold || drained.includes(false)) return;
      this.#drained = true;
      this.#log('pooler.held', 'clients wait, and no transaction runs');
      this.#wake.abort();
    });
  }
}
