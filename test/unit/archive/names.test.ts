import { describe, expect, test } from 'vitest';
import { checkKey } from '../../../src/archive/store/key.ts';
import { parseStoreUrl, storeName } from '../../../src/archive/store/url.ts';
import { parseTailKey, tailName } from '../../../src/archive/tail/names.ts';
import {
  nextSegment,
  parseSegment,
  segmentAt,
  segmentBounds,
  segmentName,
  walFileKind,
} from '../../../src/archive/wal/names.ts';
import type { Lsn } from '../../../src/ha/lsn.ts';
import { timelineId } from '../../../src/ha/units.ts';

const MB = 1024 ** 2;
const lsn = (text: string) => text as Lsn;

describe('names of WAL', () => {
  test.each([
    ['000000010000000000000001', 'segment'],
    ['000000010000000000000001.partial', 'partial'],
    ['000000010000000000000003.00000028.backup', 'backup'],
    ['0000000A.history', 'history'],
    ['RECOVERYXLOG', null],
    ['00000001000000000000000g', null],
    ['../../etc/passwd', null],
    ['000000010000000000000001.zst', null],
  ])('%s is %s', (name, kind) => expect(walFileKind(name)).toBe(kind));

  test.each([
    [16 * MB, '00000002000000010000000A', '1/A000000', '1/B000000'],
    [16 * MB, '0000000200000000000000FF', '0/FF000000', '1/0'],
    [1 * MB, '000000020000000000000FFF', '0/FFF00000', '1/0'],
    [1024 * MB, '000000020000000500000003', '5/C0000000', '6/0'],
  ])('with segments of %d bytes, %s goes from %s to %s', (size, name, start, end) => {
    const segment = parseSegment(name, size)!;
    expect(segmentBounds(segment, size)).toEqual({ start, end });
    expect(segmentName(segment, size)).toBe(name);
    expect(segmentAt(timelineId(2), lsn(start), size)).toEqual(segment);
    expect(segmentAt(timelineId(2), lsn(end), size)).toEqual(nextSegment(segment));
  });

  test('the next segment of the last one of an id is the first of the next', () => {
    const last = parseSegment('0000000100000000000000FF', 16 * MB)!;
    expect(segmentName(nextSegment(last), 16 * MB)).toBe('000000010000000100000000');
  });

  test('a piece of the tail is named so that the order of names is that of WAL', () => {
    const piece = { timeline: timelineId(3), start: lsn('0/FFFFFF8'), end: lsn('2/10') };
    const name = tailName(piece);
    expect(name).toBe('pgwarden/tail/00000003/000000000FFFFFF8-0000000200000010');
    expect(parseTailKey(`${name}.zst.aes`)).toEqual({ key: `${name}.zst.aes`, ...piece });
    expect(parseTailKey('pgwarden/tail/00000003/x.zst')).toBeNull();
    expect(parseTailKey('wal_005/000000010000000000000001.zst')).toBeNull();
  });
});

describe('names of stores', () => {
  test.each([
    ['s3://bucket', { kind: 's3', bucket: 'bucket', prefix: '' }],
    ['s3://bucket/', { kind: 's3', bucket: 'bucket', prefix: '' }],
    ['s3://bucket/a/b/', { kind: 's3', bucket: 'bucket', prefix: 'a/b/' }],
    ['s3://My_Bucket/a', { kind: 's3', bucket: 'My_Bucket', prefix: 'a/' }],
    ['file:///srv/archive/', { kind: 'file', directory: '/srv/archive' }],
    ['file:///srv/an%20archive', { kind: 'file', directory: '/srv/an archive' }],
  ])('%s is a place', (url, location) => expect(parseStoreUrl(url)).toEqual(location));

  test.each([
    's3:///prefix',
    's3://bucket/../x',
    's3://key:secret@bucket/x',
    's3://bucket/x?y=1',
    'file://host/path',
    'file:///',
    'https://bucket/x',
    '/srv/archive',
  ])('%s is none', (url) =>
    expect(() => parseStoreUrl(url)).toThrow(expect.objectContaining({ code: 'ARCHIVE_SETTINGS' })),
  );

  test('are told as a person writes them', () => {
    expect(storeName(parseStoreUrl('s3://bucket/a/'))).toBe('s3://bucket/a');
    expect(storeName(parseStoreUrl('file:///srv/a'))).toBe('file:///srv/a');
  });

  test('a key that a directory would read otherwise is refused', () => {
    expect(checkKey('wal_005/00.zst')).toBe('wal_005/00.zst');
    for (const key of ['', '/a', 'a/', 'a//b', '..', 'a/../b', '.x', `${'a'.repeat(900)}`])
      expect(() => checkKey(key), key).toThrow();
  });
});
