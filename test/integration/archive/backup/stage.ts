import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { WALG } from '../../../../src/archive/catalog/layout.ts';
import { listBackups } from '../../../../src/archive/catalog/list-backups.ts';
import type { ArchiveSettings } from '../../../../src/archive/opened-archive.ts';
import { DEFAULT_S3 } from '../../../../src/archive/store/open.ts';
import type { WalArchive } from '../../../../src/archive/wal/push-file.ts';
import { BUCKET, obtainS3Server, type S3Server } from '../../../s3/server.ts';
import { dropRoot } from '../../postgres/drop-root.ts';
import type { ArchivedPostgres } from '../postgres.ts';

export const signal = AbortSignal.timeout(30 * 60_000);

/** Stores and directories of one file of tests. Give the hook that opens it 12 minutes: S3 may have to be built. */
export class Stage implements AsyncDisposable {
  readonly directory: string;
  readonly s3: S3Server | null;
  /** Why there is no S3 server. */
  readonly noS3: string | null;
  #serial = 0;

  private constructor(directory: string, s3: S3Server | null, noS3: string | null) {
    this.directory = directory;
    this.s3 = s3;
    this.noS3 = noS3;
  }

  static async open(): Promise<Stage> {
    const { server, reason } = await obtainS3Server(dropRoot);
    return new Stage(await mkdtemp(join(tmpdir(), 'pgwarden-backup-')), server, reason);
  }

  /** A directory of its own, as an archive. */
  async inDirectory(change: Partial<ArchiveSettings> = {}): Promise<ArchiveSettings> {
    const path = join(this.directory, `store-${++this.#serial}`);
    await mkdir(path);
    return { url: `file://${path}`, s3: DEFAULT_S3, compression: 'zstd', keyFile: null, ...change };
  }

  /** A prefix of its own in the bucket; `endpoint`: of a proxy. */
  inBucket(server: S3Server, endpoint?: string, change: Partial<ArchiveSettings> = {}): ArchiveSettings {
    const url = `s3://${BUCKET}/backup-${process.pid}-${++this.#serial}`;
    return { url, s3: server.settings(endpoint), compression: 'zstd', keyFile: null, ...change };
  }

  async keyFile(): Promise<string> {
    const path = join(this.directory, `keys-${++this.#serial}`);
    await writeFile(path, `${randomBytes(32).toString('base64')}\n`);
    return path;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.s3?.[Symbol.asyncDispose]();
    await rm(this.directory, { recursive: true, force: true });
  }
}

export async function until(what: string, holds: () => Promise<boolean> | boolean): Promise<void> {
  const end = Date.now() + 60_000;
  while (!(await holds())) {
    if (Date.now() > end) throw new Error(`${what} did not come`);
    await sleep(20);
  }
}

export async function keys(archive: WalArchive, prefix = 'basebackups_005/'): Promise<string[]> {
  const found: string[] = [];
  for await (const { key } of archive.store.list(prefix, { signal })) found.push(key);
  return found;
}

/** What the catalogue has. */
export async function names(archive: WalArchive): Promise<string[]> {
  const { backups } = await listBackups({ store: archive.store, layout: WALG }, signal);
  return backups.map(({ id }) => id);
}

/** Recovers by pgwarden's own fetch, to the end of the archive. */
export async function recover(server: ArchivedPostgres, settings: ArchiveSettings): Promise<void> {
  await server.startFetcher(settings);
  await server.recoverFrom();
  await server.start();
  await until('the promotion', () => server.value<boolean>('select not pg_is_in_recovery()'));
}

/** Everything that was written so far is in the archive. */
export async function archived(server: ArchivedPostgres): Promise<void> {
  const file = await server.value<string>(
    "select pg_walfile_name(pg_switch_wal()) from pg_logical_emit_message(true, 'end', 'x')",
  );
  await until(
    'the archive',
    async () =>
      (await server.value<string | null>('select last_archived_wal from pg_stat_archiver')) === file,
  );
}
