import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openStore } from '../../../../src/archive/store/open.ts';
import type { ObjectStore } from '../../../../src/archive/store/ports.ts';
import { BUCKET, obtainS3Server, type S3Server } from '../../../s3/server.ts';

/** A first build of the S3 server takes one or two minutes. */
export const OBTAIN_WITHIN = 12 * 60_000;
export const KINDS = ['a directory', 'a bucket'] as const;
export type Kind = (typeof KINDS)[number];

/** Stores of both kinds for a test file, each with a prefix of its own. */
export class Stores implements AsyncDisposable {
  readonly directory: string;
  readonly s3: S3Server | null;
  /** Why there is no S3 server, for `context.skip`. */
  readonly noS3: string | null;
  #serial = 0;

  private constructor(directory: string, s3: S3Server | null, noS3: string | null) {
    this.directory = directory;
    this.s3 = s3;
    this.noS3 = noS3;
  }

  static async open(): Promise<Stores> {
    const { server, reason } = await obtainS3Server();
    return new Stores(await mkdtemp(join(tmpdir(), 'pgwarden-catalog-')), server, reason);
  }

  /** An empty store; null: there is no server of this kind here. */
  async fresh(kind: Kind): Promise<ObjectStore | null> {
    const prefix = `p${this.#serial++}`;
    if (kind === 'a bucket')
      return this.s3 === null ? null : await openStore(`s3://${BUCKET}/${prefix}`, this.s3.settings());
    const path = join(this.directory, prefix);
    await mkdir(path, { recursive: true });
    return await openStore(`file://${path}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.s3?.[Symbol.asyncDispose]();
    await rm(this.directory, { recursive: true, force: true });
  }
}
