/** An object as a listing tells it. */
export interface ObjectInfo {
  /** Below the store's prefix, with `/` between: `wal_005/000000010000000000000001.zst`. */
  readonly key: string;
  /** As stored: compressed, encrypted. */
  readonly size: number;
  readonly modifiedAt: Date;
}

/** What is stored beside an object: lower-case keys, values of printable ASCII, 2 kB in all (the limit of S3). */
export type Metadata = Readonly<Record<string, string>>;

/** An object as `head` and `get` tell it. */
export interface ObjectHead extends ObjectInfo {
  /** Empty where another program wrote the object, or where the writer died just after it. */
  readonly metadata: Metadata;
}

/** A piece of an object: from `start` on, to before `end` (to the end of the object where that is left out). */
export interface ByteRange {
  readonly start: number;
  readonly end?: number;
}

/** An object in the making of being read. */
export interface OpenedObject {
  readonly head: ObjectHead;
  /**
   * The bytes asked for, to be read once. Ends with an error when fewer come than there are: what came to its end is
   * whole. Leaving the loop early frees the connection.
   */
  readonly body: AsyncIterable<Uint8Array>;
  /**
   * In place of `body`: the same bytes into memory that is there, from its beginning on; how many they were. Of a store
   * that does so at less cost than piece by piece. Throws a RangeError where there is no room for all.
   */
  readInto?(room: Uint8Array): Promise<number>;
}

/** What to write: bytes, or a stream whose length nobody needs to know. */
export type Content = Uint8Array | AsyncIterable<Uint8Array>;

export interface WriteOptions {
  readonly metadata?: Metadata;
  readonly signal: AbortSignal;
}

export interface ListOptions {
  /** Only keys after this one. */
  readonly startAfter?: string;
  readonly signal: AbortSignal;
}

/**
 * Whether `create` is one step for the store, so that of two that create at once exactly one does; or a look before
 * a write, made up for by this program.
 */
export type Creation = 'atomic' | 'looked-up';

/**
 * A store of objects: a bucket's prefix or a directory. Every object is there whole or not at all. Each call throws
 * an ArchiveError. `signal` bounds a call: S3 adds a bound for each silence, a directory one for each call of its disk.
 */
export interface ObjectStore {
  /** For people: `s3://bucket/prefix`. Carries no secret. */
  readonly name: string;
  readonly creation: Creation;
  /** Writes an object that is not there yet. `exists`: it is, and stays as it is. */
  create(key: string, content: Content, options: WriteOptions): Promise<'created' | 'exists'>;
  /** Writes an object, over one that is there. */
  put(key: string, content: Content, options: WriteOptions): Promise<void>;
  /** @throws ObjectMissingError */
  get(
    key: string,
    options: { readonly range?: ByteRange; readonly signal: AbortSignal },
  ): Promise<OpenedObject>;
  /** Null: there is none. */
  head(key: string, options: { readonly signal: AbortSignal }): Promise<ObjectHead | null>;
  /** The first of these keys that there is an object of, all of them variants of one name; null: of none. One call. */
  firstOf(keys: readonly string[], options: { readonly signal: AbortSignal }): Promise<string | null>;
  /** Objects whose key begins with `prefix`, in the order of the keys' bytes. Pages are fetched as they are needed. */
  list(prefix: string, options: ListOptions): AsyncIterable<ObjectInfo>;
  /** The names right below `prefix` (which ends with `/`, or is empty) that have objects below them. */
  folders(prefix: string, options: ListOptions): AsyncIterable<string>;
  /** Removes objects; one that is not there is no error. In the order given, a thousand at a time. */
  deleteMany(keys: readonly string[], options: { readonly signal: AbortSignal }): Promise<void>;
  /** Refuses a store that is missing, refuses this member, or has another time. Writes nothing. */
  check(options: { readonly signal: AbortSignal }): Promise<void>;
  /**
   * Before the first write, once it is known whose archive this is: finds out by writing how `create` works here, and
   * clears what uploads that died have left.
   */
  prepareToWrite(options: { readonly signal: AbortSignal }): Promise<void>;
  close(): void;
}
