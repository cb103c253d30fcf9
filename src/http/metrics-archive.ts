import type { Registry } from 'prom-client';
import { lsnBytes } from '../ha/lsn.ts';
import type { ArchiveReport } from './archive-report.ts';
import { bit, instruments, timestamp } from './metrics-gauge.ts';

export interface ArchiveMetrics {
  /** `now`: Unix time in milliseconds. */
  update(report: ArchiveReport | null, now: number): void;
}

/** Gauges of the archive; only the primary shows those of the tail. */
export function archiveMetrics(registry: Registry): ArchiveMetrics {
  const make = instruments(registry);
  const archived = make.mirrored('pgwarden_archive_files_total', 'Files of WAL that the archive took.');
  const failed = make.mirrored(
    'pgwarden_archive_failures_total',
    'Tries to archive a file of WAL that failed.',
  );
  const waiting = make.gauge('pgwarden_archive_waiting_files', 'Files of WAL that wait to be archived.');
  const lastArchived = make.gauge(
    'pgwarden_archive_last_success_timestamp_seconds',
    'When the archive last took a file of WAL.',
  );
  const failing = make.labelled('pgwarden_archive_failing', 'What keeps WAL from the archive, by its code.', [
    'code',
  ]);
  const exposure = make.gauge(
    'pgwarden_archive_exposure_seconds',
    'How much time of commits the loss of every volume would cost now (the recovery point).',
  );
  const position = make.gauge(
    'pgwarden_archive_position_bytes',
    'Up to which byte of WAL a restore could come, the live tail included.',
  );
  const atomic = make.gauge(
    'pgwarden_archive_atomic_creation',
    'Whether the store makes objects in one step (1) or is looked at before each write (0).',
  );
  const free = make.gauge('pgwarden_archive_volume_free_ratio', 'Share of the volume with WAL that is free.');
  return {
    update(report, now) {
      archived.set(report?.archived ?? null);
      failed.set(report?.failed ?? null);
      waiting.set(report?.waiting ?? null);
      lastArchived.set(timestamp(report?.lastArchived?.at ?? null));
      const codes = [...new Set(report?.failing.map(({ code }) => code) ?? [])];
      failing.replace(codes.map((code) => ({ labels: { code }, value: 1 })));
      const current = timestamp(report?.tail?.currentAt ?? null);
      exposure.set(current === null ? null : Math.max(0, now / 1000 - current));
      position.set(report === null || report.tail === null ? null : lsnBytes(report.tail.position));
      atomic.set(report === null || report.creation === null ? null : bit(report.creation === 'atomic'));
      free.set(report?.freeSpace ?? null);
    },
  };
}
