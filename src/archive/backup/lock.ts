import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import * as z from 'zod';
import { ArchiveError, ObjectMissingError } from '../errors.ts';
import { LOCK_FOLDER } from '../layout.ts';
import { collect } from '../store/content.ts';
import type { ObjectStore } from '../store/ports.ts';
import { BackupLockLostError, BackupRunningError } from './errors.ts';

/**
 * The lock that lets exactly one backup of a cluster run at a time. It lies in the archive, because that is what two
 * backups would fight over, and because every writer can reach it by definition: a member that is cut off from the
 * Kubernetes API but not from the store must be kept out too.
 *
 * Locks are numbered, `<folder>/<number>.json`. Taking one is creating the next number, which exactly one can do
 * (If-None-Match). The holder writes its own object again every few seconds with another beat. A holder is taken for
 * dead when whoever wants the lock has itself seen the same beat for `STALE`, by its own monotonic clock: no two
 * machines' clocks are compared. A holder that was only frozen finds the higher number at its next beat, and in any
 * case before it writes the sentinel, and gives up.
 */
export interface LockSettings {
  /** Milliseconds. */
  readonly beatEvery: number;
  readonly staleAfter: number;
}

export const LOCK_SETTINGS: LockSettings = { beatEvery: 3_000, staleAfter: 30_000 };

const shape = z.object({ holder: z.string(), token: z.string(), beat: z.int(), released: z.boolean() });
type LockBody = z.output<typeof shape>;

interface Seen {
  readonly number: number;
  /** Null: it cannot be read, as a writer that died may leave it; it counts as held until it is stale. */
  readonly body: LockBody | null;
}

const DIGITS = 12;
/** Each call of the store. */
const WITHIN = 20_000;

export class BackupLock {
  readonly #store: ObjectStore;
  readonly #settings: LockSettings;
  readonly #number: number;
  readonly #holder: string;
  readonly #token: string;
  readonly #lost = new AbortController();
  #beat = 0;
  #writtenAt = performance.now();

  private constructor(
    store: ObjectStore,
    settings: LockSettings,
    number: number,
    holder: string,
    token: string,
  ) {
    this.#store = store;
    this.#settings = settings;
    this.#number = number;
    this.#holder = holder;
    this.#token = token;
  }

  /**
   * Waits only while it cannot tell whether the holder lives.
   *
   * @param holder for people: the member
   * @throws BackupRunningError, ArchiveError
   */
  static async acquire(
    store: ObjectStore,
    holder: string,
    signal: AbortSignal,
    settings: LockSettings = LOCK_SETTINGS,
  ): Promise<BackupLock> {
    const newest = await awaitFree(store, settings, signal);
    const number = (newest?.number ?? 0) + 1;
    const token = randomUUID();
    const lock = new BackupLock(store, settings, number, holder, token);
    const bound = within(signal);
    const made = await store.create(keyOf(number), lock.#content(false), { signal: bound });
    if (made === 'exists')
      throw new BackupRunningError((await read(store, number, bound))?.holder ?? 'another');
    // A number that was taken, released and cleared meanwhile could be made again: only the highest counts.
    const numbers = await numbersOf(store, bound);
    const higher = numbers.find((other) => other > number);
    if (higher !== undefined) {
      await store.deleteMany([keyOf(number)], { signal: bound });
      throw new BackupRunningError((await read(store, higher, bound))?.holder ?? 'another');
    }
    await store.deleteMany(numbers.filter((other) => other < number).map(keyOf), { signal: bound });
    return lock;
  }

  /** Aborted with a BackupLockLostError when another took over. */
  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  /** Tells that this one lives, until the signal ends. A store that fails is asked again at the next beat. */
  async keep(signal: AbortSignal): Promise<void> {
    while (!signal.aborted && !this.#lost.signal.aborted) {
      await sleep(this.#settings.beatEvery, undefined, { signal }).catch(() => undefined);
      if (signal.aborted) return;
      try {
        await this.confirm(signal);
        this.#beat += 1;
        await this.#store.put(keyOf(this.#number), this.#content(false), { signal: within(signal) });
        this.#writtenAt = performance.now();
      } catch (error) {
        if (signal.aborted) return;
        if (error instanceof BackupLockLostError) this.#lost.abort(error);
        else if (!(error instanceof ArchiveError)) throw error;
      }
    }
  }

  /** @throws BackupLockLostError, ArchiveError */
  async confirm(signal: AbortSignal): Promise<void> {
    const bound = within(signal);
    const higher = (await numbersOf(this.#store, bound)).find((other) => other > this.#number);
    if (higher === undefined) return;
    throw new BackupLockLostError((await read(this.#store, higher, bound))?.holder ?? 'another');
  }

  /** How long nobody could know that this one lives, in milliseconds. */
  get silence(): number {
    return performance.now() - this.#writtenAt;
  }

  async release(signal: AbortSignal): Promise<void> {
    const bound = within(signal);
    await this.#store.put(keyOf(this.#number), this.#content(true), { signal: bound });
  }

  #content(released: boolean): Buffer {
    const body: LockBody = { holder: this.#holder, token: this.#token, beat: this.#beat, released };
    return Buffer.from(`${JSON.stringify(body)}\n`);
  }
}

/** The newest lock, once it is free: released, or its holder dead. @throws BackupRunningError */
async function awaitFree(
  store: ObjectStore,
  { beatEvery, staleAfter }: LockSettings,
  signal: AbortSignal,
): Promise<Seen | null> {
  let first: Seen | null = null;
  const began = performance.now();
  for (;;) {
    const seen = await newestOf(store, within(signal));
    if (seen === null || seen.body?.released === true) return seen;
    first ??= seen;
    if (!isSame(first, seen)) throw new BackupRunningError(seen.body?.holder ?? 'another');
    if (performance.now() - began > staleAfter) return seen;
    await sleep(Math.max(50, beatEvery / 3), undefined, { signal });
  }
}

/** Who holds the lock by its object, dead or alive; null: nobody. */
export async function lockHolder(store: ObjectStore, signal: AbortSignal): Promise<string | null> {
  const seen = await newestOf(store, within(signal));
  return seen === null || seen.body?.released === true ? null : (seen.body?.holder ?? 'another');
}

function isSame(a: Seen, b: Seen): boolean {
  return a.number === b.number && a.body?.beat === b.body?.beat && a.body?.token === b.body?.token;
}

async function newestOf(store: ObjectStore, signal: AbortSignal): Promise<Seen | null> {
  const number = (await numbersOf(store, signal)).at(-1);
  return number === undefined ? null : { number, body: await read(store, number, signal) };
}

async function numbersOf(store: ObjectStore, signal: AbortSignal): Promise<number[]> {
  const found: number[] = [];
  for await (const { key } of store.list(LOCK_FOLDER, { signal })) {
    const digits = /^(\d+)\.json$/.exec(key.slice(LOCK_FOLDER.length))?.[1];
    if (digits !== undefined) found.push(Number(digits));
  }
  return found.sort((a, b) => a - b);
}

async function read(store: ObjectStore, number: number, signal: AbortSignal): Promise<LockBody | null> {
  try {
    const { body } = await store.get(keyOf(number), { signal });
    return shape.parse(JSON.parse((await collect(body)).toString('utf8')));
  } catch (error) {
    if (error instanceof ObjectMissingError || !(error instanceof ArchiveError)) return null;
    throw error;
  }
}

function keyOf(number: number): string {
  return `${LOCK_FOLDER}${number.toString().padStart(DIGITS, '0')}.json`;
}

function within(signal: AbortSignal): AbortSignal {
  return AbortSignal.any([signal, AbortSignal.timeout(WITHIN)]);
}
