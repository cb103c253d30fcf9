import { changesBetween, type View, viewOf } from './changes.ts';
import { liveTable } from './live-table.ts';
import type { Observation } from './observe.ts';
import { Screen } from './screen.ts';

const CHANGES_SHOWN = 6;

/** Shows how the cluster goes on: a live table on a terminal, else a plain line for each change. */
export class Narrator {
  readonly #stream: NodeJS.WriteStream;
  readonly #screen: Screen | null;
  #view: View = new Map();
  #changes: string[] = [];

  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream;
    this.#screen = stream.isTTY === true ? new Screen(stream) : null;
  }

  /** Shows what was observed at `now`. */
  look(observations: readonly Observation[], now: Date): void {
    const view = viewOf(observations);
    const time = now.toTimeString().slice(0, 8);
    const changes = changesBetween(this.#view, view).map((change) => `${time}  ${change}`);
    this.#view = view;
    if (this.#screen === null) {
      for (const change of changes) this.#stream.write(`${change}\n`);
      return;
    }
    this.#changes = [...this.#changes, ...changes].slice(-CHANGES_SHOWN);
    this.#screen.draw([...liveTable(observations, this.#stream).split('\n'), '', ...this.#changes]);
  }

  /** Says something that stays. */
  say(...lines: readonly string[]): void {
    if (this.#screen === null) this.#stream.write(`${lines.join('\n')}\n`);
    else this.#screen.above(lines);
  }
}
