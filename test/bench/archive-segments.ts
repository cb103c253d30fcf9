import { randomFillSync } from 'node:crypto';
import { mkdir, open, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { segmentName } from '../../src/archive/wal/names.ts';
import { timelineId } from '../../src/ha/units.ts';
import { findBinaries } from '../../src/postgres/find-binaries.ts';

export const SEGMENT = 16 * 1024 * 1024;
/** xlog_internal.h: XLogLongPageHeaderData, and where its page's address is. */
const HEADER = 40;
const ADDRESS_AT = 8;
const LENGTH_AT = 16;

/** A data directory of a stopped cluster, whose pg_wal has segments that no compression makes smaller. */
export async function makeSegments(directory: string, count: number): Promise<readonly string[]> {
  const binaries = await findBinaries(null);
  await execa(join(binaries.directory, 'initdb'), [
    '-D',
    directory,
    '-U',
    'postgres',
    '--no-sync',
    '-A',
    'trust',
  ]);
  const wal = join(directory, 'pg_wal');
  const first = (await readdir(wal)).find((name) => name.length === 24) ?? '';
  const bytes = randomFillSync(Buffer.alloc(SEGMENT));
  await using begun = await open(join(wal, first), 'r');
  await begun.read(bytes, 0, HEADER, 0);
  await rename(join(wal, first), join(directory, first));
  await mkdir(join(wal, 'archive_status'), { recursive: true });
  const names: string[] = [];
  for (let number = 2; number < count + 2; number++) {
    bytes.writeBigUInt64LE(BigInt(number) * BigInt(SEGMENT), ADDRESS_AT);
    bytes.writeUInt32LE(0, LENGTH_AT);
    // Different bytes each, all over.
    for (let at = HEADER; at < SEGMENT; at += 4096) bytes.writeUInt32LE(number, at);
    const name = segmentName({ timeline: timelineId(1), number }, SEGMENT);
    await writeFile(join(wal, name), bytes);
    names.push(name);
  }
  return names;
}

/** What Postgres does when a segment is full: for all of them at once, as after an outage. */
export async function markReady(directory: string, names: readonly string[]): Promise<void> {
  const status = join(directory, 'pg_wal', 'archive_status');
  for (const name of names) {
    await rm(join(status, `${name}.done`), { force: true });
    await writeFile(join(status, `${name}.ready`), '');
  }
}
