import { describe, expect, it } from 'vitest';
import { editDistance, nearest } from '../../../src/config/nearest.ts';

describe('the edit distance', () => {
  it.each([
    ['', '', 0],
    ['port', '', 4],
    ['port', 'prot', 1],
    ['port', 'ports', 1],
    ['work_mem', 'work_men', 1],
    ['kitten', 'sitting', 3],
    // Optimal string alignment: no part is edited twice.
    ['ca', 'abc', 3],
  ])('from %j to %j is %i', (a, b, distance) => {
    expect(editDistance(a, b)).toBe(distance);
    expect(editDistance(b, a)).toBe(distance);
  });
});

describe('the nearest name', () => {
  const names = ['shared_buffers', 'max_connections', 'work_mem', 'port'];

  it('is the one that a slip of the keyboard makes', () => {
    expect(nearest('shared_bufers', names)).toBe('shared_buffers');
    expect(nearest('max_conections', names)).toBe('max_connections');
    expect(nearest('prot', names)).toBe('port');
  });

  it('is found whatever the capitals, hyphens and underscores', () => {
    expect(nearest('Work-Mem', names)).toBe('work_mem');
    expect(nearest('sharedBuffers', names)).toBe('shared_buffers');
  });

  it('is none where nothing is near enough to be meant', () => {
    expect(nearest('wal_level', names)).toBeNull();
    expect(nearest('', names)).toBeNull();
    expect(nearest('port', [])).toBeNull();
  });
});
