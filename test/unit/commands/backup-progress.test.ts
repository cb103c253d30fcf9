import { expect, test } from 'vitest';
import { backupProgress } from '../../../src/commands/backup-progress.ts';
import type { RunningBackup } from '../../../src/http/backup-report.ts';

const MB = 1024 ** 2;
const START = Date.parse('2026-11-21T10:00:00Z');
const running: RunningBackup = {
  run: 'a',
  phase: 'copy',
  name: 'base_000000010000000000000003',
  startedAt: '2026-11-21T10:00:00Z',
  copyingSince: '2026-11-21T10:00:00Z',
  readBytes: 100 * MB,
  totalBytes: 400 * MB,
  storedBytes: 20 * MB,
};

test('the progress of a backup has share, rate and estimate', () => {
  expect(backupProgress(running, START + 10_000)).toBe(
    'copying: 25 %, 100 MB of 400 MB, 10 MB/s, 30.0 s left, 20 MB stored',
  );
});

test('it tells no rate before there is one, and no share before it was counted', () => {
  expect(backupProgress({ ...running, totalBytes: null, storedBytes: 0 }, START + 500)).toBe(
    'copying: 100 MB',
  );
});

test('it never says that all is copied while it copies: files grow', () => {
  expect(backupProgress({ ...running, readBytes: 500 * MB }, START + 10_000)).toContain('99 %');
});

test('it tells what it waits for', () => {
  expect(backupProgress({ ...running, phase: 'wait-for-wal' }, START)).toBe(
    'waiting for the archive to have its WAL',
  );
});
