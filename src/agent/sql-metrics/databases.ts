const PATTERN = /[[\]*?]/;

/** Whether any of these names a database only by a pattern: then the databases must be asked for. */
export function needsListing(wanted: readonly string[]): boolean {
  return wanted.some((each) => PATTERN.test(each));
}

/** Whether it is a name of a database, or a pattern that can match one. */
export function isTarget(text: string): boolean {
  return text !== '' && (!PATTERN.test(text) || patternOf(text) !== null);
}

/**
 * The databases that a query runs in, each once. `existing`: those that one can connect to and that are no templates;
 * a name that is written out is taken as it is, so that one that is missing is told.
 */
export function targetDatabases(wanted: readonly string[], existing: readonly string[]): readonly string[] {
  return [
    ...new Set(
      wanted.flatMap((each) => {
        if (!PATTERN.test(each)) return [each];
        const expression = patternOf(each);
        return expression === null ? [] : existing.filter((name) => expression.test(name));
      }),
    ),
  ];
}

/** A pattern as a shell has it: `*`, `?`, `[a-z]`, `[^a]`, and a backslash before what stands for itself. Null: it is none. */
function patternOf(pattern: string): RegExp | null {
  const parts = [...pattern.matchAll(/\\.|\*|\?|\[\^?(?:\\.|[^\]\\])+\]|./gs)].map(([part]) => {
    if (part === '*') return '.*';
    if (part === '?') return '.';
    if (part.length > 2 && part.startsWith('[')) return part.replaceAll('[', '\\[').replace('\\[', '[');
    return (part.startsWith('\\') && part.length === 2 ? part.slice(1) : part).replaceAll(
      /[\\^$.*+?()[\]{}|/]/g,
      '\\$&',
    );
  });
  try {
    return new RegExp(`^${parts.join('')}$`, 'su');
  } catch {
    return null; // A range that is turned round, such as [z-a].
  }
}
