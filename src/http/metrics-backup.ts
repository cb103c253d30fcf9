import type { Registry } from 'prom-client';
import type { BackupReport } from './backup-report.ts';
import { bit, instruments, timestamp } from './metrics-gauge.ts';

export interface BackupMetrics {
  update(report: BackupReport | null): void;
}

/** Gauges of base backups: what this member takes and took, and, on the primary, the newest of the archive. */
export function backupMetrics(registry: Registry): BackupMetrics {
  const make = instruments(registry);
  const running = make.gauge('pgwarden_backup_running', 'Whether this member takes a base backup now.');
  const read = make.gauge('pgwarden_backup_read_bytes', 'Bytes of files that the running backup has read.');
  const result = make.gauge(
    'pgwarden_backup_last_success',
    'Whether the last base backup of this agent came about (1) or failed (0).',
  );
  const ended = make.gauge(
    'pgwarden_backup_last_end_timestamp_seconds',
    'When the last base backup of this agent ended, either way.',
  );
  const newest = make.gauge(
    'pgwarden_backup_newest_timestamp_seconds',
    'When the newest base backup of the archive began: a restore to any time after its end is possible.',
  );
  const duration = make.gauge(
    'pgwarden_backup_newest_duration_seconds',
    'How long the newest base backup of the archive took.',
  );
  const stored = make.gauge(
    'pgwarden_backup_newest_stored_bytes',
    'What the newest base backup takes in the archive.',
  );
  const data = make.gauge('pgwarden_backup_newest_data_bytes', 'What the newest base backup holds.');
  return {
    update(report) {
      running.set(report === null ? null : bit(report.running !== null));
      read.set(report?.running?.readBytes ?? null);
      result.set(report === null || report.last === null ? null : bit(report.last.outcome === 'done'));
      ended.set(timestamp(report?.last?.endedAt ?? null));
      const from = timestamp(report?.newest?.startedAt ?? null);
      const to = timestamp(report?.newest?.finishedAt ?? null);
      newest.set(from);
      duration.set(from === null || to === null ? null : to - from);
      stored.set(report?.newest?.storedBytes ?? null);
      data.set(report?.newest?.dataBytes ?? null);
    },
  };
}
