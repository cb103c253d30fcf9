import { makeWindow, WINDOW_BYTES, type Window } from './crc32c-lanes.ts';

/** CRC-32C, Castagnoli (Postgres's port/pg_crc32c.h): eight tables, so that eight bytes are taken at a time. */
const POLYNOMIAL = 0x82f63b78;
const TABLES = makeTables();
const [T0, T1, T2, T3, T4, T5, T6, T7] = TABLES;

type Tables = readonly [
  Int32Array,
  Int32Array,
  Int32Array,
  Int32Array,
  Int32Array,
  Int32Array,
  Int32Array,
  Int32Array,
];

/** `by` is null where there is no machine code. */
let takeWindow: { readonly by: Window | null } | null = null;

/** What to begin with. */
export const CRC_START = -1;

/** Goes on from `crc` over bytes; begin with `CRC_START`, end with `crcValue`. */
export function updateCrc(crc: number, bytes: Uint8Array): number {
  let sum = crc;
  let from = 0;
  // Made when it is first wanted: most of what imports this never comes here.
  if (bytes.length >= WINDOW_BYTES) takeWindow ??= { by: makeWindow(TABLES) };
  if (takeWindow?.by != null)
    for (; bytes.length - from >= WINDOW_BYTES; from += WINDOW_BYTES)
      sum = takeWindow.by(sum, bytes.subarray(from, from + WINDOW_BYTES));
  return from === bytes.length ? sum : updatePlainly(sum, bytes.subarray(from));
}

/** The same in JavaScript alone. */
export function updatePlainly(crc: number, bytes: Uint8Array): number {
  let sum = crc;
  let at = 0;
  const even = bytes.byteOffset % 4 === 0 ? bytes.length & ~7 : 0;
  if (even > 0) {
    const words = new Int32Array(bytes.buffer, bytes.byteOffset, even >> 2);
    for (; at < even >> 2; at += 2) {
      const low = sum ^ (words[at] as number);
      const high = words[at + 1] as number;
      sum =
        (T7[low & 255] as number) ^
        (T6[(low >>> 8) & 255] as number) ^
        (T5[(low >>> 16) & 255] as number) ^
        (T4[low >>> 24] as number) ^
        (T3[high & 255] as number) ^
        (T2[(high >>> 8) & 255] as number) ^
        (T1[(high >>> 16) & 255] as number) ^
        (T0[high >>> 24] as number);
    }
  }
  for (let byte = even; byte < bytes.length; byte++)
    sum = (T0[(sum ^ (bytes[byte] as number)) & 255] as number) ^ (sum >>> 8);
  return sum;
}

/** The checksum, unsigned. */
export function crcValue(crc: number): number {
  return ~crc >>> 0;
}

/** As a backup manifest has it: the bytes as they lie in the memory of a little-endian machine. */
export function crcHex(crc: number): string {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(crcValue(crc));
  return bytes.toString('hex');
}

function makeTables(): Tables {
  const tables = Array.from({ length: 8 }, () => new Int32Array(256));
  const [first = new Int32Array(256)] = tables;
  for (let byte = 0; byte < 256; byte++) {
    let sum = byte;
    for (let bit = 0; bit < 8; bit++) sum = sum & 1 ? (sum >>> 1) ^ POLYNOMIAL : sum >>> 1;
    first[byte] = sum;
  }
  for (let table = 1; table < 8; table++) {
    const [before, own] = [tables[table - 1], tables[table]];
    if (before === undefined || own === undefined) continue;
    for (let byte = 0; byte < 256; byte++) {
      const sum = before[byte] as number;
      own[byte] = (sum >>> 8) ^ (first[sum & 255] as number);
    }
  }
  return tables as unknown as Tables;
}
