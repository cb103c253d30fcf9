import { describe, expect, it } from 'vitest';
import { formatDuration, formatSize, parseDuration, parseSize } from '../../../src/config/units.ts';

describe('durations', () => {
  it.each([
    ['500ms', 500],
    ['10s', 10_000],
    ['1.5s', 1_500],
    [' 2 m ', 120_000],
    ['2min', 120_000],
    ['1h', 3_600_000],
    ['1d', 86_400_000],
    ['0s', 0],
  ])('%j is %i ms', (text, millis) => {
    expect(parseDuration(text)).toBe(millis);
  });

  it.each(['10', '', 's', '-1s', '1e3s', '10 sec', '1s2ms', '10S', '99999999999999999999d', '1constructor'])(
    '%j is none',
    (text) => {
      expect(parseDuration(text)).toBeNull();
    },
  );

  it.each(['1500ms', '10s', '2m', '1h', '1d', '0s'])('%s is written as it was read', (text) => {
    expect(formatDuration(parseDuration(text)!)).toBe(text);
  });
});

describe('sizes', () => {
  it.each([
    ['16MB', 16 * 1024 ** 2],
    ['1kB', 1024],
    ['1.5GB', 1.5 * 1024 ** 3],
    ['10B', 10],
  ])('%j is %i bytes', (text, bytes) => {
    expect(parseSize(text)).toBe(bytes);
  });

  it.each(['16mb', '16', 'MB', '1 KiB'])('%j is none', (text) => {
    expect(parseSize(text)).toBeNull();
  });

  it.each(['16MB', '1kB', '3GB', '1TB', '1023B', '0B'])('%s is written as it was read', (text) => {
    expect(formatSize(parseSize(text)!)).toBe(text);
  });
});
