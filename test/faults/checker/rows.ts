import type { RowAttempt, Violation } from './history.ts';

const SHOWN = 5;

/**
 * Every acknowledged row is there exactly once, none that was refused is, and none that nobody sent. `found` holds
 * the ids of one member's table, one entry a row; those of unknown outcome may be in it or not, once at most.
 */
export function checkRows(
  attempts: readonly RowAttempt[],
  found: readonly number[],
  member: string,
): readonly Violation[] {
  const counts = new Map<number, number>();
  for (const id of found) counts.set(id, (counts.get(id) ?? 0) + 1);
  const sent = new Set(attempts.map(({ id }) => id));
  const ids = (wrong: (attempt: RowAttempt) => boolean): number[] =>
    attempts.filter(wrong).map(({ id }) => id);

  const wrong: readonly [Violation['kind'], readonly number[], string][] = [
    [
      'row-lost',
      ids(({ id, outcome }) => outcome === 'acknowledged' && !counts.has(id)),
      'acknowledged rows are not there',
    ],
    [
      'row-twice',
      [...counts].flatMap(([id, count]) => (count > 1 ? [id] : [])),
      'rows are there more than once',
    ],
    [
      'row-refused-but-there',
      ids(({ id, outcome }) => outcome === 'refused' && counts.has(id)),
      'rows are there that were refused',
    ],
    ['row-never-sent', [...counts.keys()].filter((id) => !sent.has(id)), 'rows are there that nobody sent'],
  ];
  return wrong.flatMap(([kind, found, what]) =>
    found.length === 0
      ? []
      : [
          {
            kind,
            message: `${member}: ${found.length} ${what}, such as ${found.slice(0, SHOWN).join(', ')}`,
          },
        ],
  );
}
