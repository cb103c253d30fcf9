import { createHash } from 'node:crypto';
import * as z from 'zod';
import { isLsn, type Lsn } from '../../ha/lsn.ts';

/** A file as PostgreSQL's `backup_manifest` has it (documentation, "Backup Manifest Format"). */
export interface ManifestEntry {
  readonly size: number;
  /** In hex; null: it has none, or one of another kind than CRC-32C. */
  readonly crc: string | null;
}

export interface ReadManifest {
  readonly files: ReadonlyMap<string, ManifestEntry>;
  readonly ranges: readonly { readonly timeline: number; readonly start: Lsn; readonly end: Lsn }[];
}

/** The manifest is not what was written; the message goes on from "its manifest". */
export class DamagedManifestError extends Error {}

const lsn = z.string().refine(isLsn);
const shape = z.object({
  'PostgreSQL-Backup-Manifest-Version': z.int(),
  Files: z.array(
    z.object({
      Path: z.string().optional(),
      'Encoded-Path': z.string().optional(),
      Size: z.int(),
      'Checksum-Algorithm': z.string().optional(),
      Checksum: z.string().optional(),
    }),
  ),
  'WAL-Ranges': z.array(z.object({ Timeline: z.int(), 'Start-LSN': lsn, 'End-LSN': lsn })),
  'Manifest-Checksum': z.string(),
});

/** Reads a manifest and proves its own checksum. @throws DamagedManifestError */
export function parseManifest(bytes: Buffer): ReadManifest {
  const line = bytes.lastIndexOf('"Manifest-Checksum"');
  if (line < 0) throw new DamagedManifestError('has no checksum of its own: it is cut short');
  let parsed: z.output<typeof shape>;
  try {
    parsed = shape.parse(JSON.parse(bytes.toString('utf8')));
  } catch (error) {
    throw new DamagedManifestError(
      `cannot be read: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
  const sum = createHash('sha256').update(bytes.subarray(0, line)).digest('hex');
  if (sum !== parsed['Manifest-Checksum']) throw new DamagedManifestError('does not match its own checksum');
  const files = new Map<string, ManifestEntry>();
  for (const file of parsed.Files) {
    const path = file.Path ?? Buffer.from(file['Encoded-Path'] ?? '', 'hex').toString('utf8');
    const isCrc = file['Checksum-Algorithm'] === 'CRC32C' && file.Checksum !== undefined;
    files.set(path, { size: file.Size, crc: isCrc ? (file.Checksum ?? null) : null });
  }
  const ranges = parsed['WAL-Ranges'].map((range) => ({
    timeline: range.Timeline,
    start: range['Start-LSN'],
    end: range['End-LSN'],
  }));
  return { files, ranges };
}
