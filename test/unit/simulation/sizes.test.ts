import { describe, expect, it } from 'vitest';
import { parseSizes, sizeOf } from '../../simulation/sizes.ts';

describe('the sizes of clusters', () => {
  it.each([
    ['3', [3]],
    ['1-7', [1, 2, 3, 4, 5, 6, 7]],
    ['mixed', [1, 2, 3, 4, 5, 6, 7]],
    ['3,3,2-5', [3, 3, 2, 3, 4, 5]],
  ])('are read from %s', (text, sizes) => {
    expect(parseSizes(text)).toEqual(sizes);
  });

  it.each(['', '0', '8', '5-2', '3,', 'three', '10', '2-9'])('are not read from "%s"', (text) => {
    expect(parseSizes(text)).toBeNull();
  });

  it('follow from the seed, each as often as it is named', () => {
    const sizes = [3, 3, 5];
    const drawn = Array.from({ length: 300 }, (_, seed) => sizeOf(seed, sizes));
    expect(drawn.filter((size) => size === 3)).toHaveLength(200);
    expect(sizeOf(41, sizes)).toBe(sizeOf(41, sizes));
  });
});
