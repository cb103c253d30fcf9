import { readFile } from 'node:fs/promises';
import { errnoOf, PostgresError } from '../errors.ts';
import { removeDurably, writeDurably } from './durable.ts';

/** One small JSON file beside PGDATA. `parse` tells whether the value is what it should be; null: it is not. */
export class JsonFact<T> {
  readonly #path: string;
  readonly #parse: (value: unknown) => T | null;

  constructor(path: string, parse: (value: unknown) => T | null) {
    this.#path = path;
    this.#parse = parse;
  }

  /** Null where the file is absent. A file that cannot be understood is an error: it is never taken for absent. */
  async read(): Promise<T | null> {
    let text: string;
    try {
      text = await readFile(this.#path, 'utf8');
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return null;
      throw error;
    }
    const value = this.#parse(parseJson(text));
    if (value === null) {
      throw new PostgresError(
        'FACTS_CORRUPT',
        `${this.#path} is damaged: ${JSON.stringify(text.slice(0, 80))}`,
        "Restore the volume, or remove the member's whole volume so that it is cloned anew.",
      );
    }
    return value;
  }

  /** Returns after fsync of the file and its directory. */
  async write(value: T): Promise<void> {
    await writeDurably(this.#path, `${JSON.stringify(value)}\n`);
  }

  async remove(): Promise<void> {
    await removeDurably(this.#path);
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
