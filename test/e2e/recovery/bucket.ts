import { randomBytes } from 'node:crypto';
import { chmod, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { BUCKET, obtainS3Server, type S3Server } from '../../s3/server.ts';

/** A bucket that members of demo clusters reach, and a key to encrypt what goes into it. */
export class TestBucket implements AsyncDisposable {
  readonly server: S3Server;
  readonly #keyFile: string;

  private constructor(server: S3Server, keyFile: string) {
    this.server = server;
    this.#keyFile = keyFile;
  }

  /** In words why there is none. Give the hook that calls this 12 minutes: a first build takes one or two. */
  static async obtain(): Promise<TestBucket | string> {
    const { server, reason } = await obtainS3Server();
    if (server === null) return reason;
    const folder = dirname(server.data);
    const keyFile = join(folder, 'keys');
    await writeFile(keyFile, `${randomBytes(32).toString('base64')}\n`);
    // As root, Postgres's user has to get in.
    await chmod(folder, 0o755);
    return new TestBucket(server, keyFile);
  }

  urlOf(prefix: string): string {
    return `s3://${BUCKET}/${prefix}`;
  }

  /** The section `archive` of a member. */
  archive(prefix: string, { encrypted = false, tail = true } = {}): Record<string, unknown> {
    const { endpoint, region, pathStyle, credentials } = this.server.settings();
    return {
      url: this.urlOf(prefix),
      tail,
      ...(encrypted ? { encryption: { keyFile: this.#keyFile } } : {}),
      s3: {
        endpoint,
        region,
        pathStyle,
        accessKeyIdFile: credentials?.accessKeyIdFile,
        secretAccessKeyFile: credentials?.secretAccessKeyFile,
      },
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server[Symbol.asyncDispose]();
  }
}
