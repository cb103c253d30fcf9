import type { Millis } from '../ha/units.ts';

const DURATION_UNITS = { ms: 1, s: 1_000, min: 60_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const SIZE_UNITS = { B: 1, kB: 1024, MB: 1024 ** 2, GB: 1024 ** 3, TB: 1024 ** 4 } as const;
const QUANTITY = /^\s*(\d+(?:\.\d+)?)\s*([A-Za-z]+)\s*$/;

/** `"10s"`, `"500ms"`, `"1.5m"`: whole milliseconds; null where the text is no duration. */
export function parseDuration(text: string): Millis | null {
  const value = quantity(text, DURATION_UNITS);
  return value === null ? null : (value as Millis);
}

/** The shortest exact text of a duration in milliseconds: 10000 → `"10s"`, 1500 → `"1500ms"`. */
export function formatDuration(value: number): string {
  if (value === 0) return '0s';
  for (const unit of ['d', 'h', 'm', 's'] as const) {
    if (value % DURATION_UNITS[unit] === 0) return `${value / DURATION_UNITS[unit]}${unit}`;
  }
  return `${value}ms`;
}

/** `"16MB"`, `"1GB"`: bytes, in the units of Postgres (powers of 1024); null where the text is no size. */
export function parseSize(text: string): number | null {
  return quantity(text, SIZE_UNITS);
}

/** The shortest exact text of a size: 1048576 → `"1MB"`. */
export function formatSize(bytes: number): string {
  if (bytes === 0) return '0B';
  for (const unit of ['TB', 'GB', 'MB', 'kB'] as const) {
    if (bytes % SIZE_UNITS[unit] === 0) return `${bytes / SIZE_UNITS[unit]}${unit}`;
  }
  return `${bytes}B`;
}

function quantity(text: string, units: Readonly<Record<string, number>>): number | null {
  const match = QUANTITY.exec(text);
  if (match === null) return null;
  const unit = Object.hasOwn(units, match[2] ?? '') ? units[match[2] ?? ''] : undefined;
  if (unit === undefined) return null;
  const value = Math.round(Number(match[1]) * unit);
  return Number.isSafeInteger(value) ? value : null;
}
