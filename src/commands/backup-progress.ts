import type { RunningBackup } from '../http/backup-report.ts';
import { formatBytes, formatMillis } from './output/quantity.ts';

const PHASES: Readonly<Record<RunningBackup['phase'], string>> = {
  lock: 'waiting for the lock',
  'clean-up': 'clearing what was left half-done',
  checkpoint: 'waiting for a checkpoint',
  changes: 'finding out what changed',
  copy: 'copying',
  stop: 'ending it',
  'wait-for-wal': 'waiting for the archive to have its WAL',
  sentinel: 'writing its sentinel',
};

/** A rate over less than this (milliseconds) says nothing. */
const RATE_AFTER = 1_000;

/** How far a backup is, for people: share, rate and estimate. `now`: Unix time in milliseconds. Pure. */
export function backupProgress(running: RunningBackup, now: number): string {
  const { phase, readBytes, totalBytes, storedBytes, copyingSince } = running;
  if (phase !== 'copy' || copyingSince === null) return PHASES[phase];
  const elapsed = now - Date.parse(copyingSince);
  const parts: string[] = [];
  if (totalBytes !== null && totalBytes > 0) {
    const share = Math.min(99, Math.floor((readBytes / totalBytes) * 100));
    parts.push(`${share} %`, `${formatBytes(readBytes)} of ${formatBytes(totalBytes)}`);
  } else parts.push(formatBytes(readBytes));
  if (elapsed >= RATE_AFTER && readBytes > 0) {
    parts.push(`${formatBytes((readBytes / elapsed) * 1000)}/s`);
    if (totalBytes !== null && totalBytes > readBytes)
      parts.push(`${formatMillis(((totalBytes - readBytes) / readBytes) * elapsed)} left`);
  }
  if (storedBytes > 0) parts.push(`${formatBytes(storedBytes)} stored`);
  return `${PHASES.copy}: ${parts.join(', ')}`;
}
