import { say } from '../../bench/table.ts';
import { Random } from '../../simulation/engine/random.ts';
import { Stage, type StageOptions } from '../stage/stage.ts';

const MEMBERS = 3;
/** Members that a scenario may add. */
const PLACES = 5;

/** The cluster at hand, made anew where another kind is asked for. */
export class Theatre {
  readonly #isNetworked: boolean;
  readonly #random: Random;
  readonly #signal: AbortSignal;
  #stage: Stage | null = null;

  constructor(isNetworked: boolean, seed: number, signal: AbortSignal) {
    this.#signal = signal;
    this.#isNetworked = isNetworked;
    this.#random = new Random(seed, 'gates');
  }

  async stage(hasDisks: boolean): Promise<Stage> {
    if (this.#stage !== null && this.#stage.options.hasDisks !== hasDisks) await this.leave();
    if (this.#stage === null) {
      const options: StageOptions = {
        members: MEMBERS,
        places: PLACES,
        isNetworked: this.#isNetworked,
        hasDisks,
      };
      say(`a new cluster${hasDisks ? ', each member on a small disk' : ''}`);
      this.#stage = await Stage.start(options, this.#random, this.#signal);
    }
    return this.#stage;
  }

  async leave(): Promise<void> {
    const stage = this.#stage;
    this.#stage = null;
    await stage?.[Symbol.asyncDispose]();
  }
}
