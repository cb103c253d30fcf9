import type { Backup } from './backup.ts';

/**
 * How many bytes a chain takes where it is restored: each backup unpacked, and once more what they are put together to.
 * Null: it is not told.
 */
export function unpackedBytes(chain: readonly Backup[]): number | null {
  const each = chain.map(({ originalBytes }) => originalBytes);
  const [whole = null] = each;
  if (whole === null || each.includes(null)) return null;
  return each.reduce<number>((sum, bytes) => sum + (bytes ?? 0), chain.length === 1 ? 0 : whole);
}

/**
 * What a backup is put together from: the whole one first, itself last. Null: one of them is gone, or is a delta of
 * WAL-G, which only WAL-G can apply.
 */
export function chainOf(backup: Backup, all: readonly Backup[]): readonly [Backup, ...Backup[]] | null {
  const chain: [Backup, ...Backup[]] = [backup];
  for (let first = backup; first.parent !== null; ) {
    if (first.changes !== 'postgres') return null;
    const parent = all.find(({ id }) => id === first.parent);
    if (parent === undefined || chain.includes(parent)) return null;
    chain.unshift(parent);
    first = parent;
  }
  return chain;
}
