import { isLsn, type Lsn } from '../../ha/lsn.ts';
import { type TimelineId, timelineId } from '../../ha/units.ts';
import type { BackupTablespace } from './backup.ts';

/** What barman's `backup.info` says (barman's infofile.py, LocalBackupInfo), as far as a restore needs it. */
export interface BackupInfo {
  readonly timeline: TimelineId;
  readonly beginLsn: Lsn;
  readonly endLsn: Lsn;
  readonly beginTime: Date;
  readonly endTime: Date;
  readonly systemIdentifier: string | null;
  readonly postgresVersion: number;
  readonly segmentBytes: number | null;
  readonly tablespaces: readonly BackupTablespace[];
  /** The text of backup_label, where the backup was taken in the non-exclusive way. */
  readonly backupLabel: string | null;
  /** Its files are in a snapshot of a volume, not in the archive. */
  readonly isSnapshot: boolean;
}

/** A `backup.info` is not that of a whole backup; the message goes on from "it". */
export class BackupInfoError extends Error {}

/** Reads `key=value` lines, whose values are Python's. @throws BackupInfoError */
export function parseBackupInfo(text: string): BackupInfo {
  const fields = new Map<string, string>();
  for (const line of text.split('\n')) {
    const equals = line.indexOf('=');
    if (equals > 0) fields.set(line.slice(0, equals), line.slice(equals + 1));
  }
  const get = (key: string): string | null => {
    const value = fields.get(key);
    return value === undefined || value === 'None' || value === '' ? null : value;
  };
  const need = (key: string): string => {
    const value = get(key);
    if (value === null) throw new BackupInfoError(`has no ${key}`);
    return value;
  };
  const status = need('status');
  if (status !== 'DONE') throw new BackupInfoError(`has the status ${status}`);
  const timeline = Number(need('timeline'));
  if (!Number.isInteger(timeline) || timeline < 1) throw new BackupInfoError('names no timeline');
  return {
    timeline: timelineId(timeline),
    beginLsn: lsnOf('begin_xlog', need('begin_xlog')),
    endLsn: lsnOf('end_xlog', need('end_xlog')),
    beginTime: timeOf('begin_time', need('begin_time')),
    endTime: timeOf('end_time', need('end_time')),
    systemIdentifier: get('systemid'),
    postgresVersion: Number(get('version') ?? 0) || 0,
    segmentBytes: Number(get('xlog_segment_size')) || null,
    tablespaces: tablespacesOf(get('tablespaces') ?? '[]'),
    backupLabel: pythonText(get('backup_label')),
    isSnapshot: get('snapshots_info') !== null,
  };
}

function lsnOf(key: string, value: string): Lsn {
  if (!isLsn(value)) throw new BackupInfoError(`has no LSN as ${key}`);
  return value;
}

/** `2026-11-21 09:25:34.979151+00:00`; without a zone it is the machine's own, which nobody knows: taken for UTC. */
function timeOf(key: string, value: string): Date {
  const text = value.replace(' ', 'T');
  const at = new Date(/(Z|[+-]\d\d:?\d\d)$/.test(text) ? text : `${text}Z`);
  if (Number.isNaN(at.getTime())) throw new BackupInfoError(`has no time as ${key}`);
  return at;
}

/** `[('name', 16400, '/path'), …]`, or the same as Tablespace(…) tuples. */
function tablespacesOf(value: string): BackupTablespace[] {
  const found: BackupTablespace[] = [];
  for (const [, oid, location] of value.matchAll(
    /\(\s*(?:'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")\s*,\s*(\d+)\s*,\s*('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")\s*\)/g,
  )) {
    const path = pythonText(location ?? null);
    if (oid !== undefined && path !== null) found.push({ oid, location: path });
  }
  if (found.length === 0 && value.trim() !== '[]')
    throw new BackupInfoError('tells its tablespaces in a way that is not understood');
  return found;
}

/** The text of a Python literal; null: it is none. */
function pythonText(literal: string | null): string | null {
  if (literal === null) return null;
  const quote = literal[0];
  if ((quote !== "'" && quote !== '"') || !literal.endsWith(quote)) return null;
  return literal
    .slice(1, -1)
    .replaceAll(/\\(.)/g, (_, character: string) => ({ n: '\n', t: '\t', r: '\r' })[character] ?? character);
}
