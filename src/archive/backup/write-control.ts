import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { WalArchive } from '../wal/push-file.ts';
import { readControlFile } from './control-file.ts';
import { CRC_START, crcHex, updateCrc } from './crc32c.ts';
import type { Manifest, WalRange } from './manifest.ts';
import { tarName } from './names.ts';
import type { StopPoint } from './session.ts';
import { type StoredTar, uploadTar } from './upload.ts';

const MODE = 0o600;

/** Copies `global/pg_control` into its own tar, which every restore unpacks last: no server starts from half a backup. */
export async function writeControlFile(
  archive: WalArchive,
  name: string,
  data: string,
  manifest: Manifest,
  signal: AbortSignal,
): Promise<StoredTar> {
  const bytes = await readControlFile(data, signal);
  const { mtime: modifiedAt } = await stat(join(data, 'global', 'pg_control'));
  const path = 'global/pg_control';
  manifest.addFile({ path, size: bytes.length, modifiedAt, checksum: checksumOf(bytes) });
  return await uploadTar(
    archive,
    tarName(name, 'pg_control'),
    (tar) => tar.file({ path, size: bytes.length, mode: MODE, modifiedAt }, [bytes]),
    signal,
  );
}

/** What only the end tells: the label, the map of tablespaces, and the manifest, which lists them too. */
export async function writeLabel(
  archive: WalArchive,
  name: string,
  stop: StopPoint,
  manifest: Manifest,
  ranges: readonly WalRange[],
  signal: AbortSignal,
): Promise<StoredTar> {
  const modifiedAt = new Date();
  const files = [{ path: 'backup_label', bytes: Buffer.from(stop.label) }];
  if (stop.tablespaceMap !== '')
    files.push({ path: 'tablespace_map', bytes: Buffer.from(stop.tablespaceMap) });
  for (const { path, bytes } of files)
    manifest.addFile({ path, size: bytes.length, modifiedAt, checksum: checksumOf(bytes) });
  manifest.finish(ranges);
  return await uploadTar(
    archive,
    tarName(name, 'backup_label'),
    async (tar) => {
      for (const { path, bytes } of files)
        await tar.file({ path, size: bytes.length, mode: MODE, modifiedAt }, [bytes]);
      const size = manifest.bytes;
      await tar.file({ path: 'backup_manifest', size, mode: MODE, modifiedAt }, manifest.pieces());
    },
    signal,
  );
}

function checksumOf(bytes: Uint8Array): string {
  return crcHex(updateCrc(CRC_START, bytes));
}
