import { describe, expect, it } from 'vitest';
import { chainOf, unpackedBytes } from '../../../../src/archive/catalog/chain.ts';
import { backupOf } from './archives.ts';

const whole = backupOf('a', 1, 2, { originalBytes: 100 });
const first = backupOf('b', 3, 4, { parent: 'a', changes: 'postgres', originalBytes: 10 });
const second = backupOf('c', 5, 6, { parent: 'b', changes: 'postgres', originalBytes: 5 });

describe('what a backup is put together from', () => {
  it('is everything from the whole one on', () => {
    expect(chainOf(second, [whole, first, second])).toEqual([whole, first, second]);
    expect(chainOf(whole, [whole, first, second])).toEqual([whole]);
  });
  it('is nothing where one of them is gone, is a delta of WAL-G, or leads in a circle', () => {
    expect(chainOf(second, [whole, second])).toBeNull();
    const delta = backupOf('b', 3, 4, { parent: 'a', changes: 'wal-g' });
    expect(chainOf(second, [whole, delta, second])).toBeNull();
    const circle = backupOf('b', 3, 4, { parent: 'c', changes: 'postgres' });
    expect(chainOf(second, [circle, second])).toBeNull();
  });
  it('takes room for each, and for what they are put together to', () => {
    expect(unpackedBytes([whole])).toBe(100);
    expect(unpackedBytes([whole, first, second])).toBe(215);
    expect(unpackedBytes([whole, { ...first, originalBytes: null }])).toBeNull();
  });
});
