import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { CRC_START, crcValue, updateCrc } from './crc32c.ts';
import { ControlFileError } from './errors.ts';

const TRIES = 20;
const PAUSE_MS = 50;
/** Where the CRC of ControlFileData may lie: it is the last field, behind some 290 bytes in every version. */
const LEAST = 200;
const MOST = 508;

/**
 * `global/pg_control`, whole: Postgres rewrites it while it is read, and a torn one would not start. It is the last
 * file to be copied, since from a standby its `minRecoveryPoint` tells where the backup is consistent (documentation,
 * "Backing Up a Standby").
 *
 * @throws ControlFileError
 */
export async function readControlFile(data: string, signal: AbortSignal): Promise<Buffer> {
  const path = join(data, 'global', 'pg_control');
  for (let tries = 0; tries < TRIES; tries++) {
    const bytes = await readFile(path);
    if (isWholeControlFile(bytes)) return bytes;
    await sleep(PAUSE_MS, undefined, { signal });
  }
  throw new ControlFileError('global/pg_control');
}

/** Whether the CRC of a control file, wherever this version has it, is right. */
export function isWholeControlFile(bytes: Buffer): boolean {
  let crc = updateCrc(CRC_START, bytes.subarray(0, LEAST));
  for (let at = LEAST; at <= Math.min(MOST, bytes.length - 4); at += 4) {
    if (crcValue(crc) === bytes.readUInt32LE(at)) return true;
    crc = updateCrc(crc, bytes.subarray(at, at + 4));
  }
  return false;
}
