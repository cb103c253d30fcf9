/** A version of Postgres: `15.4` is `{ major: 15, minor: 4 }`. */
export interface ServerVersion {
  readonly major: number;
  readonly minor: number;
}

/** Whether a version lies in a range of `runonserver`. */
export type VersionRange = (version: ServerVersion) => boolean;

const COMPARISON = /^(>=|<=|==|=|!=|!|>|<)?v?(\d+)(?:\.(\d+|x|\*))?(?:\.(?:\d+|x|\*))?$/;

/**
 * A range as CloudNativePG reads `runonserver`: comparisons with spaces between must all hold, and one of those between
 * `||` must. A number left out, `x` or `*` stands for any: `>=14`, `14.x`, `>=13.0.0 <16.0.0 || >=17`. The third number
 * of a semantic version means nothing to Postgres since 10. Null: it is none.
 */
export function versionRange(text: string): VersionRange | null {
  const alternatives: VersionRange[] = [];
  for (const alternative of text.split('||')) {
    const words = alternative
      .replaceAll(/([<>=!])\s+/g, '$1')
      .trim()
      .split(/[\s,]+/);
    const comparisons = words.map(comparison);
    if (comparisons.some((each) => each === null)) return null;
    alternatives.push((version) => comparisons.every((each) => each?.(version)));
  }
  return (version) => alternatives.some((each) => each(version));
}

/** `server_version_num`: 150004 is 15.4. */
export function serverVersion(number: number): ServerVersion {
  return { major: Math.floor(number / 10_000), minor: number % 10_000 };
}

function comparison(text: string): VersionRange | null {
  const match = COMPARISON.exec(text);
  if (match === null) return null;
  const [, operator = '=', wholeMajor = '', wholeMinor] = match;
  const major = Number(wholeMajor);
  const minor = wholeMinor === undefined || !/^\d+$/.test(wholeMinor) ? null : Number(wholeMinor);
  // Where no minor version is given, all of them are one.
  const compare = (version: ServerVersion): number =>
    version.major - major || (minor === null ? 0 : version.minor - minor);
  switch (operator) {
    case '>=':
      return (version) => compare(version) >= 0;
    case '<=':
      return (version) => compare(version) <= 0;
    case '>':
      return (version) => compare(version) > 0;
    case '<':
      return (version) => compare(version) < 0;
    case '!':
    case '!=':
      return (version) => compare(version) !== 0;
    default:
      return (version) => compare(version) === 0;
  }
}
