import { formatProblem } from '../../config/errors.ts';
import type { Log } from '../log.ts';
import type { MetricQuery } from './definition.ts';
import { readFiles } from './files.ts';
import { type QueryText, readQueries } from './read-queries.ts';

/** The queries in use out of their files, which may change at any time. A wrong file changes nothing. */
export class QuerySource {
  readonly #log: Log;
  /** Per file, what is in use of it. */
  #used = new Map<string, string>();
  #usedText = '';
  /** Per file, what it said at the last look, and what was judged. */
  #seen = new Map<string, string>();
  #judged = new Map<string, string>();
  #setting = '';
  #queries: readonly MetricQuery[] = [];
  #complained = '';

  constructor(log: Log) {
    this.#log = log;
  }

  get queries(): readonly MetricQuery[] {
    return this.#queries;
  }

  /** Whether what each file said at the last look is in use. */
  report(files: readonly string[]): readonly { readonly file: string; readonly isLoaded: boolean }[] {
    return files.map((file) => ({
      file,
      isLoaded: this.#used.has(file) && this.#used.get(file) === this.#seen.get(file),
    }));
  }

  /** Reads the files again; true: there are other queries than before. */
  async look(files: readonly string[], prefix: string): Promise<boolean> {
    const { texts, unreadable } = await readFiles(files);
    const setting = JSON.stringify([prefix, files]);
    const isOther = setting !== this.#setting;
    const before = this.#seen;
    this.#seen = new Map(texts.map(({ file, text }) => [file, text]));
    this.#complainOf(unreadable.map(({ file, why }) => `  ${file}: ${why}`));
    const changed = texts.filter(({ file, text }) => {
      if (isOther || !this.#judged.has(file)) return true;
      // An editor may be in the middle of writing: what is the same at two looks counts.
      return text !== this.#judged.get(file) && text === before.get(file);
    });
    if (changed.length === 0 && !isOther) return false;
    this.#setting = setting;
    for (const { file, text } of changed) this.#judged.set(file, text);
    return this.#take(files, prefix, isOther);
  }

  /** `isOther`: the settings are, so that the same texts mean something else. */
  #take(files: readonly string[], prefix: string, isOther: boolean): boolean {
    const wanted = this.#textsOf(files, this.#judged);
    const first = readQueries(wanted, prefix);
    const wrong = new Set(first.problems.map(({ file }) => file));
    const texts = wanted.flatMap((each): readonly QueryText[] => {
      if (!wrong.has(each.file)) return [each];
      const text = this.#used.get(each.file);
      return text === undefined ? [] : [{ file: each.file, text }];
    });
    const { queries, problems } = wrong.size === 0 ? first : readQueries(texts, prefix);
    const dropped = new Set(problems.map(({ file }) => file));
    const used = texts.filter(({ file }) => !dropped.has(file));
    const isSame = !isOther && JSON.stringify(used) === this.#usedText;
    this.#usedText = JSON.stringify(used);
    this.#used = new Map(used.map(({ file, text }) => [file, text]));
    if (first.problems.length > 0)
      this.#log.error(
        { event: 'metrics.queries.refused', files: [...wrong] },
        `Queries of metrics are refused:\n${first.problems.map(formatProblem).join('\n')}`,
      );
    if (isSame) return false;
    this.#queries = queries;
    if (queries.length > 0)
      this.#log.info(
        { event: 'metrics.queries.loaded', queries: queries.map(({ name }) => name) },
        `Metrics by ${queries.length} SQL queries`,
      );
    return true;
  }

  #textsOf(files: readonly string[], texts: ReadonlyMap<string, string>): readonly QueryText[] {
    return files.flatMap((file) => {
      const text = texts.get(file);
      return text === undefined ? [] : [{ file, text }];
    });
  }

  /** Once, until something else is wrong. */
  #complainOf(lines: readonly string[]): void {
    const text = lines.join('\n');
    if (text !== this.#complained && text !== '')
      this.#log.error(
        { event: 'metrics.queries.unreadable' },
        `Files of queries cannot be read; what they said before goes on:\n${text}`,
      );
    this.#complained = text;
  }
}
