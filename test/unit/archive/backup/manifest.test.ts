import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { Manifest } from '../../../../src/archive/backup/manifest.ts';
import type { Lsn } from '../../../../src/ha/lsn.ts';
import { timelineId } from '../../../../src/ha/units.ts';

const range = { timeline: timelineId(1), start: '0/2000028' as Lsn, end: '0/2000100' as Lsn };
const modifiedAt = new Date('2026-11-21T09:25:10.789Z');

function textOf(manifest: Manifest): string {
  return Buffer.concat([...manifest.pieces()]).toString('utf8');
}

describe('a backup manifest', () => {
  test('is JSON with a checksum of all lines but its last', () => {
    const manifest = new Manifest(15, '7710553394147625644');
    manifest.addFile({ path: 'base/1/112', size: 8192, modifiedAt, checksum: 'deadbeef' });
    manifest.addFile({ path: 'a "name"', size: 0, modifiedAt, checksum: '00000000' });
    manifest.finish([range]);
    const text = textOf(manifest);
    expect(manifest.bytes).toBe(Buffer.byteLength(text));
    const read = JSON.parse(text) as Record<string, unknown>;
    expect(read).toMatchObject({
      'PostgreSQL-Backup-Manifest-Version': 1,
      Files: [
        {
          Path: 'base/1/112',
          Size: 8192,
          'Last-Modified': '2026-11-21 09:25:10 GMT',
          'Checksum-Algorithm': 'CRC32C',
          Checksum: 'deadbeef',
        },
        { Path: 'a "name"', Size: 0 },
      ],
      'WAL-Ranges': [{ Timeline: 1, 'Start-LSN': '0/2000028', 'End-LSN': '0/2000100' }],
    });
    const last = text.lastIndexOf('\n', text.length - 2) + 1;
    expect(read['Manifest-Checksum']).toBe(createHash('sha256').update(text.slice(0, last)).digest('hex'));
  });

  test('names the cluster since Postgres 17', () => {
    const manifest = new Manifest(17, '7710553394147625644');
    manifest.finish([range]);
    expect(textOf(manifest)).toContain('"System-Identifier": 7710553394147625644,\n');
  });

  test('holds many files in little memory', () => {
    const manifest = new Manifest(15, '1');
    for (let file = 0; file < 50_000; file++)
      manifest.addFile({ path: `base/5/${file}`, size: file, modifiedAt, checksum: 'abcdef01' });
    manifest.finish([range]);
    expect((JSON.parse(textOf(manifest)) as { Files: unknown[] }).Files).toHaveLength(50_000);
    expect(manifest.files).toBe(50_000);
  });
});
