import type { Random } from '../../simulation/engine/random.ts';
import type { Load } from '../load/load.ts';
import type { Stage } from '../stage/stage.ts';

/** What not every machine has; `why-not.ts` tells what is missing. */
export const NEEDS = ['network', 'disks', 'clock'] as const;
export type Need = (typeof NEEDS)[number];

/** What a fault may use while it is brought about and healed. */
export interface World {
  readonly stage: Stage;
  readonly load: Load;
  readonly random: Random;
  /** Aborted by Ctrl-C, and at the end of the run. */
  readonly signal: AbortSignal;
  /** Faults that last longer, for the long run. */
  readonly isLong: boolean;
  /** Rejects where `signal` is aborted. */
  sleep(millis: number): Promise<void>;
  /** Notes a violation of what only this scenario expects. */
  expect(holds: boolean, message: string): void;
  /** For the report and the log of the run. */
  note(text: string): void;
}

/** Undoes what a fault did; the cluster then comes back by itself. Called also where the run failed half-way. */
export type Heal = () => Promise<void>;

/** One fault, its cure, and what it may cost. */
export interface Scenario {
  readonly id: string;
  readonly title: string;
  readonly needs: readonly Need[];
  /** How long it lasts before it is healed. */
  readonly holdMillis: number;
  /** The longest time without an acknowledged write; it allows for a busy machine. */
  readonly longestGapMillis: number;
  /** The oldest plain read at a member that takes itself for the primary; null: no bound, as `title` or a comment says. */
  readonly oldestReadMillis: number | null;
  /** Can be mixed with others: it neither needs the whole cluster well, nor changes its size. */
  readonly isCombinable: boolean;
  /** Brings it about; returns once it has happened. */
  readonly inject: (world: World) => Promise<Heal>;
}

/** `ha.staleReadBound`, and half a second for the end of the sessions. */
export const OLDEST_READ = 3500;

export const nothingToHeal: Heal = async () => {};

const DEFAULTS = {
  needs: [],
  holdMillis: 5000,
  longestGapMillis: 15_000,
  oldestReadMillis: OLDEST_READ,
  isCombinable: true,
} satisfies Partial<Scenario>;

/** A scenario, with the usual for what it does not say. */
export const scenario = (given: Pick<Scenario, 'id' | 'title' | 'inject'> & Partial<Scenario>): Scenario => ({
  ...DEFAULTS,
  ...given,
});

export type Role = 'primary' | 'standby';

/** A member of that role now; among standbys any. */
export async function pick({ stage, random }: World, role: Role): Promise<string> {
  return role === 'primary' ? await stage.primary() : random.pick(await stage.standbys());
}
