import { expect, test } from 'vitest';
import {
  CRC_START,
  crcHex,
  crcValue,
  updateCrc,
  updatePlainly,
} from '../../../../src/archive/backup/crc32c.ts';
import { WINDOW_BYTES } from '../../../../src/archive/backup/crc32c-lanes.ts';

const of = (bytes: Uint8Array): number => crcValue(updateCrc(CRC_START, bytes));

test('CRC-32C gives the values of RFC 3720, B.4', () => {
  expect(of(new Uint8Array(32))).toBe(0x8a9136aa);
  expect(of(new Uint8Array(32).fill(0xff))).toBe(0x62a8ab43);
  expect(of(Uint8Array.from({ length: 32 }, (_, at) => at))).toBe(0x46dd794e);
  expect(of(Buffer.from('123456789'))).toBe(0xe3069283);
});

test('it may be taken in pieces, wherever they begin in memory', () => {
  const bytes = Uint8Array.from({ length: 1000 }, (_, at) => (at * 7) & 255);
  for (const cut of [1, 3, 8, 17, 512, 999]) {
    const crc = updateCrc(updateCrc(CRC_START, bytes.subarray(0, cut)), bytes.subarray(cut));
    expect(crcValue(crc)).toBe(of(bytes));
  }
});

test('a manifest has it as it lies in memory', () => {
  expect(crcHex(updateCrc(CRC_START, Buffer.from('123456789')))).toBe('839206e3');
});

test('the machine code for large pieces gives what JavaScript does, from any sum and any place on', () => {
  const bytes = Uint8Array.from({ length: 3 * WINDOW_BYTES + 100 }, (_, at) => (at * at + (at >> 7)) & 255);
  for (const start of [CRC_START, 0, 1, 0x7fffffff, -2147483648])
    for (const [from, length] of [
      [0, WINDOW_BYTES - 1],
      [0, WINDOW_BYTES],
      [1, WINDOW_BYTES + 1],
      [3, 2 * WINDOW_BYTES],
      [0, bytes.length],
    ] as const) {
      const piece = bytes.subarray(from, from + length);
      expect(updateCrc(start, piece)).toBe(updatePlainly(start, piece));
    }
});
