import { createHash } from 'node:crypto';
import type { Backup } from '../catalog/backup.ts';
import { inParallel } from '../catalog/in-parallel.ts';
import type { CatalogSource } from '../catalog/list-backups.ts';
import type { Codec } from '../codec/codec.ts';
import { parseEncodedName } from '../codec/codec.ts';
import { ArchiveError, ObjectDamagedError, ObjectMissingError } from '../errors.ts';
import { collect } from '../store/content.ts';
import { checkAgainstManifest } from './check-manifest.ts';
import { error, type Finding } from './findings.ts';
import { DamagedManifestError, type ManifestEntry, parseManifest } from './manifest.ts';
import { type NotedTar, notedTars } from './noted-tars.ts';
import { tarFiles } from './tar-files.ts';

/** What came of checking one backup. */
export interface CheckedBackup {
  readonly id: string;
  readonly findings: readonly Finding[];
  readonly parts: number;
  /** Stored bytes that were read; 0 where only names and sizes were looked at. */
  readonly readBytes: number;
  readonly files: number;
  /** Whether its files were compared with a manifest; `none`: it has none (WAL-G and barman-cloud keep none). */
  readonly manifest: 'checked' | 'none' | 'not-read';
}

export interface CheckBackupOptions {
  /** Read every byte; else names and sizes are compared. */
  readonly contents: boolean;
  /** Parts at once. */
  readonly parallel: number;
  onBytes(bytes: number): void;
}

interface Part {
  readonly key: string;
  readonly name: string;
  readonly size: number;
}

/** What one part holds. */
interface PartContent {
  readonly findings: readonly Finding[];
  readonly files: ReadonlyMap<string, ManifestEntry>;
  readonly manifest: Buffer | null;
  readonly readBytes: number;
}

const MANIFEST = 'backup_manifest';

/**
 * Checks the parts of a backup: those that the sentinel notes are there, of that size and SHA-256; each is a whole tar;
 * and the files in them are those of the manifest, with its checksums.
 *
 * @throws ArchiveError where the store fails
 */
export async function checkBackup(
  source: CatalogSource & { readonly codec: Codec },
  backup: Backup,
  options: CheckBackupOptions,
  signal: AbortSignal,
): Promise<CheckedBackup> {
  const { store } = source;
  const parts: Part[] = [];
  for await (const { key, size } of store.list(backup.folder, { signal }))
    if (/\.tar$/.test(parseEncodedName(key).name))
      parts.push({ key, name: key.slice(key.lastIndexOf('/') + 1), size });
  const noted = notedTars(backup.userData);
  const findings = [...checkNames(backup, parts, noted ?? (await listedByWalg(source, backup, signal)))];
  const basis = { id: backup.id, parts: parts.length };
  if (!options.contents) return { ...basis, findings, readBytes: 0, files: 0, manifest: 'not-read' };
  const contents = await inParallel(parts, options.parallel, (part) =>
    readPart(source, part, noted?.get(part.name) ?? null, options, signal),
  );
  const files = new Map<string, ManifestEntry>();
  for (const content of contents) {
    // Its size may have told already.
    findings.push(
      ...content.findings.filter((one) => !findings.some(({ subject }) => subject === one.subject)),
    );
    for (const [path, file] of content.files) files.set(path, file);
  }
  const isWhole = findings.length === 0;
  if (isWhole)
    for (const path of ['PG_VERSION', 'global/pg_control'])
      if (!files.has(path))
        findings.push(error('PART_MISSING', backup.id, `has no ${path} in any of its parts`));
  const beside = await readBeside(source, `${backup.folder}${MANIFEST}`, signal);
  const bytes = contents.find(({ manifest }) => manifest !== null)?.manifest ?? beside;
  if (bytes === null && noted !== null)
    findings.push(error('MANIFEST_DAMAGED', backup.id, 'has no manifest'));
  // Of parts that are not whole, it would only tell the same again.
  if (bytes !== null && isWhole) findings.push(...againstManifest(backup, bytes, files));
  return {
    ...basis,
    findings,
    readBytes: contents.reduce((sum, { readBytes }) => sum + readBytes, 0),
    files: files.size,
    manifest: bytes === null ? 'none' : 'checked',
  };
}

function againstManifest(
  backup: Backup,
  bytes: Buffer,
  files: ReadonlyMap<string, ManifestEntry>,
): Finding[] {
  try {
    return checkAgainstManifest(backup, parseManifest(bytes), files);
  } catch (failure) {
    if (!(failure instanceof DamagedManifestError)) throw failure;
    return [error('MANIFEST_DAMAGED', backup.id, `has a manifest that ${failure.message}`)];
  }
}

/** Names and sizes. `noted`: null where nobody tells which parts there are; a size of null is not known. */
function* checkNames(
  backup: Backup,
  parts: readonly Part[],
  noted: ReadonlyMap<string, NotedTar | null> | null,
): Generator<Finding> {
  if (parts.length === 0) yield error('PART_MISSING', backup.id, 'has no part');
  for (const [name, tar] of noted ?? []) {
    const part = parts.find((one) => one.name === name);
    if (part === undefined) yield error('PART_MISSING', backup.id, `lacks ${name}`);
    else if (tar !== null && part.size !== tar.size)
      yield error('PART_DAMAGED', part.key, `has ${part.size} bytes, not the ${tar.size} that were written`);
  }
  // WAL-G notes neither of its two small ones.
  for (const { key, name } of noted === null ? [] : parts)
    if (!noted?.has(name) && !/^(pg_control|backup_label)\./.test(name))
      yield error(
        'PART_UNKNOWN',
        key,
        'is a part that the sentinel does not know; a restore would unpack it',
      );
}

async function readPart(
  { store, codec }: CatalogSource & { readonly codec: Codec },
  part: Part,
  noted: NotedTar | null,
  { onBytes }: CheckBackupOptions,
  signal: AbortSignal,
): Promise<PartContent> {
  const files = new Map<string, ManifestEntry>();
  const hash = createHash('sha256');
  let readBytes = 0;
  let manifest: Buffer | null = null;
  const damaged = (why: string): PartContent => ({
    findings: [error('PART_DAMAGED', part.key, why)],
    files,
    manifest,
    readBytes,
  });
  try {
    const { body } = await store.get(part.key, { signal });
    async function* counted(): AsyncGenerator<Uint8Array> {
      for await (const piece of body) {
        hash.update(piece);
        readBytes += piece.length;
        onBytes(piece.length);
        yield piece;
      }
    }
    const want = { checksums: true, keep: (path: string) => path === MANIFEST };
    for await (const { path, size, crc, content } of tarFiles(
      codec.decode(store.name, part.key, counted()),
      want,
    )) {
      files.set(path, { size, crc });
      if (content !== null) manifest = content;
    }
  } catch (failure) {
    signal.throwIfAborted();
    if (failure instanceof ObjectMissingError) return damaged('is gone while it was read');
    if (failure instanceof ArchiveError && !(failure instanceof ObjectDamagedError)) throw failure;
    return damaged(`cannot be unpacked: ${failure instanceof Error ? failure.message : String(failure)}`);
  }
  if (noted !== null && hash.digest('hex') !== noted.sha256)
    return damaged('has other bytes than were written (SHA-256)');
  return { findings: [], files, manifest, readBytes };
}

/** WAL-G's own list of its parts, without sizes (files_metadata.json, TarFileSets). */
async function listedByWalg(
  source: CatalogSource,
  backup: Backup,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, null> | null> {
  if (source.layout.kind !== 'wal-g') return null;
  const bytes = await readBeside(source, `${backup.folder}files_metadata.json`, signal);
  if (bytes === null) return null;
  try {
    const { TarFileSets } = JSON.parse(bytes.toString('utf8')) as { readonly TarFileSets?: unknown };
    if (typeof TarFileSets !== 'object' || TarFileSets === null) return null;
    return new Map(Object.keys(TarFileSets).map((name) => [name, null]));
  } catch {
    // It is WAL-G's own, for its increments: no restore of ours needs it.
    return null;
  }
}

/** Of a million files it is larger; then nothing is compared with it. */
const BESIDE_MAX = 256 * 1024 * 1024;

async function readBeside(
  { store }: CatalogSource,
  key: string,
  signal: AbortSignal,
): Promise<Buffer | null> {
  const head = await store.head(key, { signal });
  if (head === null || head.size > BESIDE_MAX) return null;
  try {
    return await collect((await store.get(key, { signal })).body);
  } catch (failure) {
    if (failure instanceof ObjectMissingError) return null;
    throw failure;
  }
}
