const MOST = 7;

/** The size of cluster that each seed has. */
export type Sizes = readonly number[];

/**
 * Reads `3`, `1-7`, `3,3,2-5` or `mixed` (`1-7`); null where it is none of them. A size that is named twice comes
 * twice as often.
 */
export function parseSizes(text: string): Sizes | null {
  const sizes: number[] = [];
  for (const part of (text === 'mixed' ? `1-${MOST}` : text).split(',')) {
    const match = /^(\d)(?:-(\d))?$/.exec(part.trim());
    if (match === null) return null;
    const low = Number(match[1]);
    const high = Number(match[2] ?? low);
    if (low < 1 || high > MOST || low > high) return null;
    for (let size = low; size <= high; size++) sizes.push(size);
  }
  return sizes;
}

/** From the seed alone, so that a range that is gone on with later has the same schedules. */
export function sizeOf(seed: number, sizes: Sizes): number {
  return sizes[seed % sizes.length] ?? MOST;
}
