import {
  DeleteObjectCommand,
  GetObjectCommand,
  type GetObjectCommandOutput,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type PutObjectCommandInput,
  type S3Client,
} from '@aws-sdk/client-s3';
import { ClockSkewError, ObjectMissingError, StoreFaultError } from '../../errors.ts';
import { blocksOf, piecesOf } from '../content.ts';
import { checkKey } from '../key.ts';
import type {
  ByteRange,
  Content,
  Creation,
  ListOptions,
  ObjectHead,
  ObjectInfo,
  ObjectStore,
  OpenedObject,
  WriteOptions,
} from '../ports.ts';
import { abortAbandoned } from './abandoned.ts';
import { bodyInto, wholeBody } from './body.ts';
import { makeClient, type S3Settings } from './client.ts';
import { deleteObjects } from './delete.ts';
import { nameOf, s3Fault, statusOf } from './faults.ts';
import { listFolders, listObjects } from './listing.ts';
import { uploadInParts } from './multipart.ts';
import { probeCreation } from './probe.ts';

export interface S3StoreOptions extends S3Settings {
  readonly bucket: string;
  /** '' or ends with `/`. */
  readonly prefix: string;
  /** Streams go up in parts of so many bytes: at least 5 MiB, and a ten-thousandth of the largest object. */
  readonly partBytes?: number;
  /** What is known of the server by now; `prepareToWrite` finds it out. */
  readonly creation?: Creation;
}

/** Three are in memory of each upload. Ten thousand come to 80 GB; what is stored here is some 2 GB at the most. */
const PART_BYTES = 8 * 1024 * 1024;
/** Others that write the same key at this very moment: the server asks to try again. */
const CONFLICTS = 5;
/** What S3 lets pass between two clocks is a quarter of an hour. */
const SKEW_MS = 10 * 60_000;

/** A bucket's prefix as a store, by the S3 protocol. */
export class S3Store implements ObjectStore {
  readonly name: string;
  readonly #client: S3Client;
  readonly #options: S3StoreOptions;
  readonly #place: { readonly client: S3Client; readonly bucket: string; readonly prefix: string };
  #creation: Creation;
  /** Known only after the probe: until then, and for whoever only reads, it is looked before. */
  #creationInParts: Creation = 'looked-up';

  private constructor(name: string, client: S3Client, options: S3StoreOptions) {
    this.name = name;
    this.#client = client;
    this.#options = options;
    this.#creation = options.creation ?? 'atomic';
    this.#place = { client, bucket: options.bucket, prefix: options.prefix };
  }

  /** Connects to nothing yet. */
  static async open(name: string, options: S3StoreOptions): Promise<S3Store> {
    return new S3Store(name, await makeClient(name, options), options);
  }

  get creation(): Creation {
    return this.#creation;
  }

  async create(key: string, content: Content, options: WriteOptions): Promise<'created' | 'exists'> {
    if (this.#creation === 'looked-up') {
      if ((await this.head(key, options)) !== null) return 'exists';
      await this.put(key, content, options);
      return 'created';
    }
    const outcome = await this.#createAtomically(key, content, options);
    if (outcome === 'unsupported')
      throw new StoreFaultError(this.name, 'it no longer knows If-None-Match, which it honoured before');
    return outcome;
  }

  put(key: string, content: Content, options: WriteOptions): Promise<void> {
    return this.#attempt(async () => {
      await this.#write(key, content, options, false);
    });
  }

  get(
    key: string,
    { range, signal }: { readonly range?: ByteRange; readonly signal: AbortSignal },
  ): Promise<OpenedObject> {
    return this.#attempt(async () => {
      const target = this.#target(key);
      const Range = range && `bytes=${range.start}-${range.end === undefined ? '' : range.end - 1}`;
      let output: GetObjectCommandOutput;
      try {
        output = await this.#client.send(
          new GetObjectCommand({ ...target, ...(Range === undefined ? {} : { Range }) }),
          { abortSignal: signal },
        );
      } catch (error) {
        if (isMissing(error, 'NoSuchKey')) throw new ObjectMissingError(this.name, key, error);
        throw error;
      }
      return {
        head: headOf(key, output, totalOf(output)),
        body: wholeBody(this.name, key, output),
        readInto: (room) => bodyInto(room, this.name, key, output),
      };
    });
  }

  head(key: string, { signal }: { readonly signal: AbortSignal }): Promise<ObjectHead | null> {
    return this.#attempt(async () => {
      try {
        const output = await this.#client.send(new HeadObjectCommand(this.#target(key)), {
          abortSignal: signal,
        });
        return headOf(key, output, output.ContentLength ?? 0);
      } catch (error) {
        // A HEAD has no body: a missing bucket looks the same. `check` has seen the bucket.
        if (isMissing(error, 'NotFound')) return null;
        throw error;
      }
    });
  }

  async firstOf(keys: readonly string[], options: { readonly signal: AbortSignal }): Promise<string | null> {
    const found = new Set<string>();
    for await (const { key } of this.list(commonPrefix(keys), options)) found.add(key);
    return keys.find((key) => found.has(key)) ?? null;
  }

  async *list(prefix: string, options: ListOptions): AsyncGenerator<ObjectInfo> {
    try {
      yield* listObjects(this.#place, prefix, options);
    } catch (error) {
      throw s3Fault(this.name, error);
    }
  }

  async *folders(prefix: string, options: ListOptions): AsyncGenerator<string> {
    try {
      yield* listFolders(this.#place, prefix, options);
    } catch (error) {
      throw s3Fault(this.name, error);
    }
  }

  deleteMany(keys: readonly string[], { signal }: { readonly signal: AbortSignal }): Promise<void> {
    return this.#attempt(() =>
      deleteObjects(
        this.#client,
        this.#options.bucket,
        keys.map((key) => this.#target(key).Key),
        signal,
      ),
    );
  }

  check({ signal }: { readonly signal: AbortSignal }): Promise<void> {
    return this.#attempt(async () => {
      await this.#client.send(
        new ListObjectsV2Command({ Bucket: this.#options.bucket, Prefix: this.#options.prefix, MaxKeys: 1 }),
        { abortSignal: signal },
      );
      // The SDK notices by the Date of answers, and signs by the server's clock from then on.
      const skew = this.#client.config.systemClockOffset;
      if (Math.abs(skew) > SKEW_MS)
        throw new ClockSkewError(this.name, `it is ${Math.round(skew / 1000)} s ahead of this machine`);
    });
  }

  prepareToWrite({ signal }: { readonly signal: AbortSignal }): Promise<void> {
    return this.#attempt(async () => {
      this.#creationInParts = 'atomic';
      const { whole, inParts } = await probeCreation({
        createAtomically: (key, content) => this.#createAtomically(key, content, { signal }),
        completeAtomically: (key, content) =>
          this.#createAtomically(key, content, { signal }, true).catch((error: unknown) => {
            // A refusal that nothing explains is one of the condition.
            if (error instanceof StoreFaultError) return 'unsupported';
            throw error;
          }),
        remove: async (key) => {
          await this.#client.send(new DeleteObjectCommand(this.#target(key)), { abortSignal: signal });
        },
      });
      this.#creation = whole;
      this.#creationInParts = inParts;
      await abortAbandoned(this.#place, signal);
    });
  }

  close(): void {
    this.#client.destroy();
  }

  async #createAtomically(
    key: string,
    content: Content,
    options: WriteOptions,
    inParts = false,
  ): Promise<'created' | 'exists' | 'unsupported'> {
    for (let tries = 1; ; tries++) {
      try {
        return (await this.#write(key, content, options, true, inParts)) ? 'created' : 'exists';
      } catch (error) {
        const status = statusOf(error);
        if (status === 412) return 'exists';
        if (status === 501 || nameOf(error) === 'NotImplemented') return 'unsupported';
        // A stream can be read only once.
        const again = content instanceof Uint8Array && tries < CONFLICTS;
        if (status === 409 && again) continue;
        // A server may refuse by the headers alone and close while the body is still on its way: the answer is lost.
        if (status === null && (await this.#isThere(key, options))) return 'exists';
        throw s3Fault(this.name, error);
      }
    }
  }

  /** After a fault of the connection; where that cannot be told either, the fault counts. */
  async #isThere(key: string, { signal }: WriteOptions): Promise<boolean> {
    return (await this.head(key, { signal }).catch(() => null)) !== null;
  }

  /** @returns false: there is one, and only a new one was wanted */
  async #write(
    key: string,
    content: Content,
    options: WriteOptions,
    onlyNew: boolean,
    inParts = false,
  ): Promise<boolean> {
    const { storageClass, serverSideEncryption, kmsKeyId, partBytes = PART_BYTES } = this.#options;
    const input = {
      ...this.#target(key),
      ContentType: 'application/octet-stream',
      ...(options.metadata === undefined ? {} : { Metadata: { ...options.metadata } }),
      ...(storageClass === null
        ? {}
        : { StorageClass: storageClass as PutObjectCommandInput['StorageClass'] }),
      ...(serverSideEncryption === null ? {} : { ServerSideEncryption: serverSideEncryption }),
      ...(kmsKeyId === null ? {} : { SSEKMSKeyId: kmsKeyId }),
    } satisfies Partial<PutObjectCommandInput>;
    const whole = (Body: Uint8Array) =>
      this.#client.send(new PutObjectCommand({ ...input, Body, ...(onlyNew ? { IfNoneMatch: '*' } : {}) }), {
        abortSignal: options.signal,
      });
    if (content instanceof Uint8Array && !inParts) {
      await whole(content);
      return true;
    }
    const blocks = blocksOf(piecesOf(content), partBytes);
    const first = await blocks.next();
    if (first.done === true) throw new StoreFaultError(this.name, 'a content without a block');
    if (first.value.length < partBytes && !inParts) {
      await whole(first.value);
      return true;
    }
    const isRefusedByServer = onlyNew && this.#creationInParts === 'atomic';
    return await uploadInParts({
      client: this.#client,
      store: this.name,
      input,
      blocks: withFirst(first.value, blocks),
      onlyNew: isRefusedByServer,
      mayComplete: async () => !onlyNew || isRefusedByServer || (await this.head(key, options)) === null,
      signal: options.signal,
    });
  }

  #target(key: string): { readonly Bucket: string; readonly Key: string } {
    return { Bucket: this.#options.bucket, Key: this.#options.prefix + checkKey(key) };
  }

  async #attempt<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw s3Fault(this.name, error);
    }
  }
}

/**
 * By name, not by status: a missing bucket is a 404 as well, to some servers an unknown user is one, and a proxy's is
 * one without a name. To take one of those for a missing segment would end a recovery early. A HEAD has no body, and so
 * `NotFound` for a name.
 */
function isMissing(error: unknown, name: 'NoSuchKey' | 'NotFound'): boolean {
  return statusOf(error) === 404 && nameOf(error) === name;
}

function headOf(
  key: string,
  output: Pick<GetObjectCommandOutput, 'LastModified' | 'Metadata'>,
  size: number,
): ObjectHead {
  return { key, size, modifiedAt: output.LastModified ?? new Date(0), metadata: output.Metadata ?? {} };
}

/** The size of the whole object, also where a piece was asked for (`bytes 0-99/1234`). */
function totalOf({ ContentRange, ContentLength }: GetObjectCommandOutput): number {
  const total = Number(ContentRange?.split('/')[1]);
  return Number.isSafeInteger(total) ? total : (ContentLength ?? 0);
}

function commonPrefix(keys: readonly string[]): string {
  const [first = '', ...others] = keys;
  let length = first.length;
  while (!others.every((key) => key.startsWith(first.slice(0, length)))) length -= 1;
  return first.slice(0, length);
}

async function* withFirst(first: Uint8Array, rest: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield first;
  // A stream of exactly one block ends with an empty one: no part may be empty but the only one.
  for await (const block of rest) if (block.length > 0) yield block;
}
