import type { StoreWriteError } from '../errors.ts';
import type { ApiObject } from '../objects.ts';
import { type Change, keyPath, type StoreKey } from './change.ts';
import { Draft } from './draft.ts';
import { History } from './history.ts';
import { LogFile } from './log-file.ts';
import { encodeLine } from './record.ts';
import type { StateDirectory } from './state-directory.ts';
import { Tables } from './tables.ts';

export interface StoreOptions {
  /** How many changes a watch may start behind. */
  readonly history: number;
  /** Bytes of log after which a snapshot is taken. */
  readonly compactAfter: number;
  /** Hears why a snapshot could not be taken; the log goes on growing. */
  readonly onCompactionFailed: (error: Error) => void;
}

export type Transaction<T> = (draft: Draft) => T;

interface Waiting {
  readonly dryRun: boolean;
  run(draft: Draft): void;
  settle(): void;
  fail(error: unknown): void;
}

/**
 * All objects, in memory and on disk. Transactions run one after the other; those that wait while a write is on its
 * way to the disk are written together (group commit). Nothing is visible, to readers or watches, before it is on
 * disk, and no answer is given before what it rests on is.
 */
export class Store {
  readonly #directory: StateDirectory;
  readonly #options: StoreOptions;
  readonly #tables: Tables;
  readonly #history: History;
  readonly #listeners = new Set<(change: Change) => void>();
  readonly #failure = Promise.withResolvers<never>();
  #log: LogFile;
  #revision: number;
  /** The revision of the snapshot in force. */
  #base: number;
  #compactAt: number;
  #queue: Waiting[] = [];
  #draining: Promise<void> | null = null;
  #closed = false;

  private constructor(directory: StateDirectory, options: StoreOptions, log: LogFile, loaded: Loaded) {
    this.#directory = directory;
    this.#options = options;
    this.#log = log;
    this.#tables = loaded.tables;
    this.#history = loaded.history;
    this.#revision = loaded.revision;
    this.#base = loaded.base;
    this.#compactAt = options.compactAfter;
    this.#failure.promise.catch(() => undefined);
  }

  /** Opens the store of a directory that this process has locked. `initial` is what an empty one begins with. */
  static async open(
    directory: StateDirectory,
    options: StoreOptions,
    initial: (draft: Draft) => void,
  ): Promise<Store> {
    const found = await directory.inForce();
    if (found === null) {
      await directory.mark();
      await (await LogFile.create(directory.logPath(0))).close();
      await directory.writeSnapshot(0, []);
    }
    const base = found ?? 0;
    await directory.tidy(base);
    const tables = Tables.load(await directory.readSnapshot(base));
    const history = new History(base, options.history);
    let revision = base;
    const log = await LogFile.recover(directory.logPath(base), (record) => {
      for (const change of tables.replay(record)) {
        history.add(change);
        revision = change.revision;
      }
    });
    const store = new Store(directory, options, log, { tables, history, revision, base });
    if (revision === 0) await store.transact(initial);
    return store;
  }

  /** The revision of the newest change on disk. */
  get revision(): number {
    return this.#revision;
  }

  /** Changes up to this revision are forgotten. */
  get historyFloor(): number {
    return this.#history.floor;
  }

  /** Rejects when the disk's state is no longer known: the process must end and recover. Never resolves. */
  get failure(): Promise<never> {
    return this.#failure.promise;
  }

  get(key: StoreKey): ApiObject | undefined {
    return this.#tables.get(key);
  }

  /** The objects of a resource in the order of their keys, of one namespace or (null) of all. */
  list(resource: string, namespace: string | null): readonly ApiObject[] {
    return this.#tables.list(resource, namespace);
  }

  /** As `list`, as it was at `revision`; null when that is forgotten. */
  listAt(resource: string, namespace: string | null, revision: number): readonly ApiObject[] | null {
    const later = this.#history.since(revision);
    if (later === null) return null;
    const then = new Map(this.list(resource, namespace).map((object) => [pathOf(object), object]));
    for (const { key, previous } of later.toReversed()) {
      if (key.resource !== resource || (namespace !== null && key.namespace !== namespace)) continue;
      if (previous === null) then.delete(keyPath(key));
      else then.set(keyPath(key), previous);
    }
    return [...then].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, object]) => object);
  }

  /** The changes after `revision`; null when some are forgotten. */
  changesSince(revision: number): readonly Change[] | null {
    return this.#history.since(revision);
  }

  /** Hears every change once it is on disk, in order. Returns how to stop. */
  subscribe(listener: (change: Change) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * Runs `body` against the newest state and resolves when its changes are on disk. What it throws undoes them.
   * With `dryRun` they are dropped.
   * @throws StoreWriteError: nothing happened.
   */
  transact<T>(body: Transaction<T>, dryRun = false): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    let result: T;
    this.#queue.push({
      dryRun,
      run: (draft) => {
        result = body(draft);
      },
      settle: () => resolve(result),
      fail: reject,
    });
    this.#draining ??= this.#drain().finally(() => {
      this.#draining = null;
    });
    return promise;
  }

  /** Waits for what is under way. No transaction may follow. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#draining;
    await this.#log.close();
  }

  async #drain(): Promise<void> {
    // Those that come in this turn of the event loop belong to the same batch.
    await Promise.resolve();
    while (this.#queue.length > 0) {
      const batch = this.#queue;
      this.#queue = [];
      await this.#commit(batch);
      if (this.#log.size > this.#compactAt && !this.#log.broken && !this.#closed) await this.#compact();
    }
  }

  async #commit(batch: readonly Waiting[]): Promise<void> {
    const changes: Change[] = [];
    const outcomes: (() => void)[] = [];
    const pending = new Map<string, ApiObject | null>();
    const lookup = (key: StoreKey): ApiObject | undefined => {
      const drafted = pending.get(`${key.resource}/${keyPath(key)}`);
      return drafted === undefined ? this.#tables.get(key) : (drafted ?? undefined);
    };
    let lines = '';
    for (const waiting of batch) {
      const draft = new Draft(lookup, changes.at(-1)?.revision ?? this.#revision, waiting.dryRun);
      try {
        waiting.run(draft);
      } catch (error) {
        outcomes.push(() => waiting.fail(error));
        continue;
      }
      outcomes.push(() => waiting.settle());
      if (waiting.dryRun || draft.changes.length === 0) continue;
      lines += encodeLine(Tables.record(draft.changes));
      changes.push(...draft.changes);
      for (const { key, type, object } of draft.changes) {
        pending.set(`${key.resource}/${keyPath(key)}`, type === 'delete' ? null : object);
      }
    }
    try {
      if (lines !== '') await this.#log.append(lines);
    } catch (error) {
      for (const waiting of batch) waiting.fail(error);
      if (this.#log.broken) this.#failure.reject(error as StoreWriteError);
      return;
    }
    for (const change of changes) this.#publish(change);
    for (const outcome of outcomes) outcome();
  }

  #publish(change: Change): void {
    this.#tables.apply(change);
    this.#history.add(change);
    this.#revision = change.revision;
    for (const listener of this.#listeners) listener(change);
  }

  /** A snapshot of now, and an empty log. Where that fails, the old pair stays in force and is tried again later. */
  async #compact(): Promise<void> {
    const revision = this.#revision;
    let next: LogFile | null = null;
    try {
      next = await LogFile.create(this.#directory.logPath(revision));
      await this.#directory.writeSnapshot(revision, this.#tables.all());
    } catch (error) {
      await next?.close();
      this.#options.onCompactionFailed(error as Error);
      this.#compactAt = this.#log.size + this.#options.compactAfter;
      // After the rename the new pair is in force, and a restart would not read what the old log gets now.
      const inForce = await this.#directory.inForce().catch(() => null);
      if (inForce !== this.#base) this.#failure.reject(error as Error);
      return;
    }
    await this.#log.close();
    this.#log = next;
    this.#base = revision;
    this.#compactAt = this.#options.compactAfter;
  }
}

interface Loaded {
  readonly tables: Tables;
  readonly history: History;
  readonly revision: number;
  readonly base: number;
}

const pathOf = ({ metadata: { namespace = '', name } }: ApiObject): string =>
  keyPath({ resource: '', namespace, name });
