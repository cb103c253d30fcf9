import { crc32 } from 'node:zlib';
import { isObject, type JsonValue } from '../json.ts';

/** One line of a file of the store: a checksum, a space, JSON, a line feed. */
export function encodeLine(value: unknown): string {
  const json = JSON.stringify(value);
  return `${checksum(json)} ${json}\n`;
}

/** The value of a line without its line feed, or undefined where the checksum does not hold. */
export function decodeLine(line: string): JsonValue | undefined {
  const json = line.slice(9);
  if (line.charAt(8) !== ' ' || line.slice(0, 8) !== checksum(json)) return undefined;
  return JSON.parse(json) as JsonValue;
}

/** As decodeLine, for lines that hold an object. */
export function decodeObjectLine(line: string): Record<string, JsonValue> | undefined {
  const value = decodeLine(line);
  return isObject(value) ? value : undefined;
}

const checksum = (text: string): string => crc32(text).toString(16).padStart(8, '0');
