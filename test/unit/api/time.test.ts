import { expect, test } from 'vitest';
import { parseMicroTime, parseTime, TimeFormatError, timestamp } from '../../../src/demo/api/decode/time.ts';

test('a MicroTime has six digits and comes out in UTC', () => {
  expect(parseMicroTime('2024-02-29T23:30:00.000001-01:00')).toBe('2024-03-01T00:30:00.000001Z');
  expect(() => parseMicroTime('2024-02-29T23:30:00.00001Z')).toThrow(TimeFormatError);
  expect(() => parseMicroTime('2023-02-29T23:30:00.000001Z')).toThrow('day out of range');
  expect(() => parseMicroTime('2024-02-29T23:30:00.000001Zx')).toThrow('extra text: "x"');
});

test('a Time drops its fraction', () => {
  expect(parseTime('2024-05-01T12:00:00.999+02:00')).toBe('2024-05-01T10:00:00Z');
  expect(parseTime('2024-05-01T12:00:00Z')).toBe('2024-05-01T12:00:00Z');
});

test('a timestamp has whole seconds', () => {
  expect(timestamp(1_714_557_600_999)).toBe('2024-05-01T10:00:00Z');
});
