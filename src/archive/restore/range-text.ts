import type { Recoverable } from '../catalog/recoverable.ts';

/** What can be reached, in a sentence: the earliest end of a backup to the last WAL, interval by interval. */
export function describeRange(ways: readonly Recoverable[]): string {
  if (ways.length === 0) return 'nothing: no backup has the WAL that it needs';
  // Backups with the same end are one interval, from the oldest of them on.
  const byEnd = new Map<string, Recoverable>();
  for (const way of ways) {
    const key = `${way.timeline} ${way.until}`;
    const known = byEnd.get(key);
    if (known === undefined || way.fromTime < known.fromTime) byEnd.set(key, way);
  }
  return [...byEnd.values()]
    .sort((a, b) => a.fromTime.getTime() - b.fromTime.getTime())
    .map(describe)
    .join('; ');
}

function describe({ backup, from, fromTime, until, untilTime, timeline }: Recoverable): string {
  const last = untilTime === null ? '' : ` (last commit ${untilTime.toISOString()})`;
  return `${fromTime.toISOString()} (${from}, the end of ${backup.id}) to ${until}${last} on timeline ${timeline}`;
}
