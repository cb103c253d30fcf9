import { describe, expect, it } from 'vitest';
import { parseByteSize } from '../../../src/http/byte-size.ts';

describe('a size in a query', () => {
  it.each([
    ['1048576', 1_048_576],
    ['0', 0],
    [' 10MB ', 10 * 1024 ** 2],
    ['16kB', 16_384],
    ['16 kB', 16_384],
    ['1GB', 1024 ** 3],
    ['2TB', 2 * 1024 ** 4],
    ['7B', 7],
    ['1.5kB', 1536],
    ['.5kB', 512],
    ['1e3', 1000],
    ['0x400kB', 1_048_576],
    ['010', 8],
    ['-1', -1],
  ])('reads %j as Patroni does', (text, bytes) => {
    expect(parseByteSize(text)).toBe(bytes);
  });

  it.each(['', 'MB', '10mb', '10KB', '10 M', 'ten', '1.2.3', '5PB', 'NaN', 'Infinity'])(
    'takes %j for no size',
    (text) => {
      expect(parseByteSize(text)).toBeNull();
    },
  );
});
