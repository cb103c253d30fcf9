import type { Backup } from '../catalog/backup.ts';
import { error, type Finding } from './findings.ts';
import type { ManifestEntry, ReadManifest } from './manifest.ts';

/** What a tar may have and no manifest lists (pg_verifybackup's own exceptions). */
const UNLISTED = /^(backup_manifest$|pg_wal\/|postgresql\.auto\.conf$|recovery\.signal$|standby\.signal$)/;
/** Of each kind, so many are told; the number of all of them always is. */
const TOLD = 5;

/** Holds what the tars have against the manifest, and the manifest against the sentinel. */
export function checkAgainstManifest(
  backup: Backup,
  manifest: ReadManifest,
  found: ReadonlyMap<string, ManifestEntry>,
): Finding[] {
  const missing: string[] = [];
  const other: string[] = [];
  for (const [path, listed] of manifest.files) {
    const file = found.get(path);
    if (file === undefined) missing.push(path);
    else if (file.size !== listed.size) other.push(`${path} (${file.size} bytes, not ${listed.size})`);
    else if (listed.crc !== null && file.crc !== null && listed.crc !== file.crc)
      other.push(`${path} (checksum ${file.crc}, not ${listed.crc})`);
  }
  const extra = [...found.keys()].filter((path) => !manifest.files.has(path) && !UNLISTED.test(path));
  const findings: Finding[] = [];
  const tell = (paths: readonly string[], what: string): void => {
    if (paths.length === 0) return;
    const more = paths.length > TOLD ? ` and ${paths.length - TOLD} more` : '';
    findings.push(
      error('MANIFEST_MISMATCH', backup.id, `${what}: ${paths.slice(0, TOLD).join(', ')}${more}`),
    );
  };
  tell(missing, 'lacks files that its manifest lists');
  tell(other, 'has files that are not as its manifest lists them');
  tell(extra, 'has files that its manifest does not list');
  const [first] = manifest.ranges;
  const last = manifest.ranges.at(-1);
  if (first === undefined || last === undefined) {
    findings.push(error('MANIFEST_MISMATCH', backup.id, 'has a manifest that names no WAL'));
  } else if (
    first.start !== backup.startLsn ||
    last.end !== backup.endLsn ||
    first.timeline !== backup.timeline
  ) {
    findings.push(
      error(
        'MANIFEST_MISMATCH',
        backup.id,
        `has a manifest of ${first.start} to ${last.end} from timeline ${first.timeline} on, and a sentinel of ${backup.startLsn} to ${backup.endLsn} on timeline ${backup.timeline}`,
      ),
    );
  }
  return findings;
}
