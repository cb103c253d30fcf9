import type { Machine } from './machine.ts';
import type { Session, SimServer } from './server.ts';
import type { World } from './world.ts';

const WAIT_MS = 4_000;

/**
 * Writes all the time, on whatever server lets it, and remembers what was acknowledged. It reaches every machine: the
 * worst client. A session on a standby is kept now and then, to see whether a promotion makes a writer of it.
 */
export class Client {
  readonly #world: World;
  readonly #name: string;
  #session: { readonly server: SimServer; readonly session: Session } | null = null;
  #at = 0;
  #writes = 0;
  acknowledged = 0;

  constructor(world: World, number: number) {
    this.#world = world;
    this.#name = `c${number}`;
  }

  start(): void {
    this.#again(this.#world.random.clients.between(5, 500));
  }

  #again(pause: number): void {
    this.#world.scheduler.after(pause, null, () => this.#turn());
  }

  #turn(): void {
    const { random, machines } = this.#world;
    if (this.#session === null) {
      const machine = machines[this.#at % machines.length] as Machine;
      const { server } = machine;
      const session = machine.poweredOff ? null : (server?.open(false) ?? null);
      if (server === null || session === null) {
        this.#at += 1;
        this.#again(random.clients.between(30, 120));
        return;
      }
      const mine = { server, session };
      this.#session = mine;
      const forget = (): void => {
        if (this.#session === mine) this.#session = null;
      };
      session.onEnded = forget;
    }
    this.#write(this.#session);
  }

  #write(mine: { readonly server: SimServer; readonly session: Session }): void {
    const { scheduler, random, checks } = this.#world;
    const { server, session } = mine;
    let over = false;
    const next = (pause: number): void => {
      if (over) return;
      over = true;
      scheduler.cancel(patience);
      this.#again(pause);
    };
    const leave = (): void => {
      if (this.#session === mine) this.#session = null;
      this.#at += 1;
    };
    const patience = scheduler.after(WAIT_MS, null, () => {
      leave();
      next(10);
    });
    scheduler.after(0.4, session.backend, () => {
      if (server.inRecovery) {
        // "cannot execute INSERT in a read-only transaction"
        if (random.clients.chance(0.8)) {
          session.onEnded = null;
          server.end(session);
          leave();
        }
        next(random.clients.between(20, 80));
        return;
      }
      checks.onClientWrites(server);
      this.#writes += 1;
      this.#world.commits += 1;
      server.commit(session, 'commit', null, `${this.#name} ${this.#writes}`, (record, cancelled) => {
        scheduler.after(0.3, null, () => {
          if (over) return;
          if (cancelled) {
            next(random.clients.between(10, 40));
            return;
          }
          this.acknowledged += 1;
          checks.onAcknowledged(server, record);
          next(random.clients.between(40, 160));
        });
      });
    });
    const before = session.onEnded;
    const onEnded = (): void => {
      before?.();
      next(random.clients.between(10, 40));
    };
    session.onEnded = onEnded;
  }
}
