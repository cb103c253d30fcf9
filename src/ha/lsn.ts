declare const brand: unique symbol;

/**
 * A log sequence number in PostgreSQL's text form, e.g. `16/B374D848` (documentation, section "pg_lsn Type").
 * Kept as text, so that every structure that carries one is plain JSON.
 */
export type Lsn = string & { readonly [brand]: 'Lsn' };

const PATTERN = /^[0-9A-Fa-f]{1,8}\/[0-9A-Fa-f]{1,8}$/;

/** The LSN before any WAL. */
export const LSN_ZERO = '0/0' as Lsn;

/** Whether the text is an LSN as PostgreSQL writes it. */
export function isLsn(text: string): text is Lsn {
  return PATTERN.test(text);
}

/** The LSN as a byte position; exact up to 2^53 (9 PB of WAL). */
export function lsnBytes(lsn: Lsn): number {
  const slash = lsn.indexOf('/');
  return Number.parseInt(lsn.slice(0, slash), 16) * 0x1_0000_0000 + Number.parseInt(lsn.slice(slash + 1), 16);
}

/** The LSN of a byte position. */
export function lsnAt(bytes: number): Lsn {
  const high = Math.floor(bytes / 0x1_0000_0000);
  return `${high.toString(16).toUpperCase()}/${(bytes % 0x1_0000_0000).toString(16).toUpperCase()}` as Lsn;
}

/** Negative, zero or positive as `a` is before, at or after `b`. */
export function compareLsn(a: Lsn, b: Lsn): number {
  return lsnBytes(a) - lsnBytes(b);
}

/** The later of the two. */
export function latestLsn(a: Lsn, b: Lsn): Lsn {
  return compareLsn(a, b) >= 0 ? a : b;
}
