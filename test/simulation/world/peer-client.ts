import type {
  HoldAnswer,
  HoldRequest,
  LeadRequest,
  PeerState,
  PromiseAnswer,
  PromiseRequest,
} from '../../../src/ha/peer.ts';
import type { Millis } from '../../../src/ha/units.ts';
import type { PeerOutcome } from '../../../src/http/peer-outcome.ts';
import type { SimAgent } from './agent.ts';
import { currentWorld } from './current.ts';

/** Stands in for `src/http/peer-client.ts`: calls of one peer's agent over the simulated network. */
export class PeerClient {
  readonly #host: string;
  readonly #onClosed: (() => void) | undefined;
  #closed = false;

  constructor(options: { readonly host: string; readonly onClosed?: () => void }) {
    this.#host = options.host;
    this.#onClosed = options.onClosed;
    const world = currentWorld();
    const owner = world.scheduler.current;
    // The end of the peer's process closes its connections, and this side may hear of it.
    world.onAgentEnd(this.#host, () => {
      if (this.#closed || owner === null) return;
      const self = owner.name.split(':')[0] ?? '';
      world.network.send(this.#host, self, owner, () => this.#onClosed?.());
    });
  }

  state(deadline: Millis, signal?: AbortSignal): Promise<PeerOutcome<PeerState>> {
    return this.#call(deadline, signal, async (agent) => agent.peerState());
  }

  promise(body: PromiseRequest, deadline: Millis, signal?: AbortSignal): Promise<PeerOutcome<PromiseAnswer>> {
    return this.#call(deadline, signal, (agent, gone) => agent.promise(body, gone));
  }

  lead(body: LeadRequest, deadline: Millis, signal?: AbortSignal): Promise<PeerOutcome<null>> {
    return this.#call(deadline, signal, async (agent) => agent.lead(body));
  }

  hold(body: HoldRequest, deadline: Millis, signal?: AbortSignal): Promise<PeerOutcome<HoldAnswer>> {
    return this.#call(deadline, signal, async (agent) => agent.hold(body));
  }

  close(): void {
    this.#closed = true;
  }

  #call<T>(
    deadline: number,
    signal: AbortSignal | undefined,
    ask: (agent: SimAgent, gone: AbortSignal) => Promise<T | null>,
  ): Promise<PeerOutcome<T>> {
    const world = currentWorld();
    const { scheduler, network } = world;
    const caller = scheduler.current;
    const { promise, resolve } = Promise.withResolvers<PeerOutcome<T>>();
    const silent = (why: string): void => resolve({ outcome: 'silent', error: new Error(why) });
    if (caller === null || this.#closed) {
      silent('closed');
      return promise;
    }
    const self = caller.name.split(':')[0] ?? '';
    let gone: AbortController | null = null;
    let over = false;
    const end = (outcome: PeerOutcome<T>): void => {
      if (over) return;
      over = true;
      scheduler.cancel(timer);
      signal?.removeEventListener('abort', onAbort);
      resolve(outcome);
    };
    const onAbort = (): void => end({ outcome: 'silent', error: new Error('aborted') });
    const timer = scheduler.after(deadline / caller.rate, caller, () => {
      end({ outcome: 'silent', error: new Error('no answer in time') });
      if (gone !== null) network.send(self, this.#host, null, () => gone?.abort());
    });
    signal?.addEventListener('abort', onAbort);
    const reply = (outcome: PeerOutcome<T>): void =>
      network.send(this.#host, self, caller, () => end(outcome));
    network.send(self, this.#host, null, () => {
      const machine = world.machine(this.#host);
      const { agent } = machine;
      if (agent === null || !agent.listens) {
        // A machine that is there refuses; one that is not answers nothing.
        if (machine.refuses) reply({ outcome: 'refused' });
        return;
      }
      const asked = new AbortController();
      gone = asked;
      scheduler.as(agent.owner, () => {
        void ask(agent, asked.signal).then((value) => {
          if (value === null && agent.view === null) return;
          reply({ outcome: 'answered', value: value as T });
        });
      });
    });
    return promise;
  }
}
