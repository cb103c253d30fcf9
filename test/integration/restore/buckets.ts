import { createReadStream } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createZstdDecompress } from 'node:zlib';
import tar from 'tar-stream';
import { binariesFor } from '../../../src/archive/restore/binaries-for.ts';

const FIXTURES = join(import.meta.dirname, '../../fixtures/buckets');

/** The Postgres of both buckets: another major does not replay their WAL. */
const MAJOR = 15;

/** Why the buckets cannot be restored here; null: they can. */
export async function whyNoBuckets(): Promise<string | null> {
  if ((await binariesOfBuckets()) !== null) return null;
  return `the buckets are of Postgres ${MAJOR}, which is not installed here`;
}

/** The directory of the programs that restore them; null: there is none. */
export async function binariesOfBuckets(): Promise<string | null> {
  return (await binariesFor(MAJOR, null))?.directory ?? null;
}

/** A bucket that another program made, as a directory. See the README beside the fixtures for what is in it. */
export class Bucket implements AsyncDisposable {
  readonly directory: string;

  private constructor(directory: string) {
    this.directory = directory;
  }

  static async unpack(name: 'wal-g' | 'barman-cloud'): Promise<Bucket> {
    const directory = await mkdtemp(join(tmpdir(), 'pgwarden-bucket-'));
    const extract = tar.extract();
    createReadStream(join(FIXTURES, `${name}.tar.zst`))
      .pipe(createZstdDecompress())
      .pipe(extract);
    for await (const entry of extract) {
      const path = join(directory, entry.header.name);
      const pieces: Uint8Array[] = [];
      for await (const piece of entry as AsyncIterable<Uint8Array>) pieces.push(piece);
      if (entry.header.type !== 'file') continue;
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, Buffer.concat(pieces));
    }
    return new Bucket(directory);
  }

  get url(): string {
    return `file://${this.directory}`;
  }

  path(key: string): string {
    return join(this.directory, key);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.directory, { recursive: true, force: true });
  }
}
