import type { Registry } from 'prom-client';
import type { CatalogReport } from './catalog-report.ts';
import { bit, instruments, timestamp } from './metrics-gauge.ts';

export interface CatalogMetrics {
  /** `now`: Unix time in milliseconds. */
  update(report: CatalogReport | null, now: number): void;
}

/** Gauges of what the archive holds, and of the last drill, retention and verification. */
export function catalogMetrics(registry: Registry): CatalogMetrics {
  const make = instruments(registry);
  const backups = make.gauge(
    'pgwarden_archive_backups',
    'Base backups in the archive, as the primary last saw it.',
  );
  const holes = make.gauge(
    'pgwarden_archive_holes',
    'Holes in the WAL between the oldest backup and now, as the primary last saw it.',
  );
  const first = make.gauge(
    'pgwarden_archive_first_recoverable_timestamp_seconds',
    'The earliest moment that can be restored to on the way to the present timeline.',
  );
  const bytes = make.gauge('pgwarden_archive_stored_bytes', 'What backups and WAL take in the archive.');
  const drillOk = make.gauge(
    'pgwarden_drill_last_success',
    'Whether the last drill was good (1) or not (0).',
  );
  const drillAt = make.gauge(
    'pgwarden_drill_last_timestamp_seconds',
    'When the last drill ended, either way.',
  );
  const drillTook = make.gauge('pgwarden_drill_duration_seconds', 'How long the last drill took.');
  const drillRows = make.gauge('pgwarden_drill_rows', 'Rows that the last drill counted.');
  const goodAt = make.gauge('pgwarden_drill_last_good_timestamp_seconds', 'When the last good drill ended.');
  const goodAge = make.gauge(
    'pgwarden_drill_last_good_age_seconds',
    'How long ago the last good drill ended.',
  );
  const retentionOk = make.gauge(
    'pgwarden_retention_last_success',
    'Whether the last retention of this member came about (1) or failed (0).',
  );
  const retentionAt = make.gauge(
    'pgwarden_retention_last_timestamp_seconds',
    'When the last retention of this member ended, either way.',
  );
  const verifyOk = make.gauge(
    'pgwarden_verify_last_success',
    'Whether the last verification of this member found nothing wrong (1), or something or failed (0).',
  );
  const verifyAt = make.gauge(
    'pgwarden_verify_last_timestamp_seconds',
    'When the last verification of this member ended.',
  );
  const outcome = (value: { readonly ok: boolean } | null): number | null =>
    value === null ? null : bit(value.ok);
  return {
    update(report, now) {
      backups.set(report?.backups ?? null);
      holes.set(report?.holes ?? null);
      first.set(timestamp(report?.firstRecoverable ?? null));
      bytes.set(report?.storedBytes ?? null);
      const drill = report?.lastDrill ?? null;
      const good = timestamp(report?.lastGoodDrill?.endedAt ?? null);
      const [from, to] = [timestamp(drill?.startedAt ?? null), timestamp(drill?.endedAt ?? null)];
      drillOk.set(outcome(drill));
      drillAt.set(to);
      drillTook.set(from === null || to === null ? null : to - from);
      drillRows.set(drill?.rows ?? null);
      goodAt.set(good);
      goodAge.set(good === null ? null : Math.max(0, now / 1000 - good));
      retentionOk.set(outcome(report?.retention ?? null));
      retentionAt.set(timestamp(report?.retention?.endedAt ?? null));
      verifyOk.set(outcome(report?.verify ?? null));
      verifyAt.set(timestamp(report?.verify?.endedAt ?? null));
    },
  };
}
