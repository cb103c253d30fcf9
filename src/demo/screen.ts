import { stripVTControlCharacters } from 'node:util';

/** Cuts a line to the width of the terminal: a wrapped one would be two. Colours stay whole. */
export function cutLine(line: string, columns: number): string {
  if (stripVTControlCharacters(line).length <= columns) return line;
  return stripVTControlCharacters(line).slice(0, columns);
}

/** A block of lines at the end of a terminal that is drawn over again and again; what is above it stays. */
export class Screen {
  readonly #stream: NodeJS.WriteStream;
  #drawn = 0;

  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream;
  }

  /** Draws the block in place of the last one. */
  draw(lines: readonly string[]): void {
    const columns = this.#stream.columns > 0 ? this.#stream.columns : 80;
    const shown = lines.map((line) => cutLine(line, columns - 1));
    this.#stream.write(`${this.#erase()}${shown.join('\n')}\n`);
    this.#drawn = shown.length;
  }

  /** Writes lines that stay, above the block. */
  above(lines: readonly string[]): void {
    this.#stream.write(`${this.#erase()}${lines.join('\n')}\n`);
    this.#drawn = 0;
  }

  #erase(): string {
    return this.#drawn === 0 ? '' : `\u001b[${this.#drawn}F\u001b[J`;
  }
}
