import { describe, test } from 'vitest';

/** `npm run test:kubernetes`. A run of everything has no time for more than the quick scenarios. */
export const LONG = process.env.PGWARDEN_TEST_LONG !== undefined;

const WHY = 'npm run test:kubernetes runs it: it takes minutes';

/** A block that only `npm run test:kubernetes` runs; elsewhere it counts as one skipped test that says so. */
export function describeLong(name: string, body: () => void): void {
  if (LONG) describe(name, body);
  else test(name, ({ skip }) => skip(WHY));
}

/** The same for one test of a block. */
export function testLong(name: string, body: () => Promise<void>): void {
  if (LONG) test(name, body);
  else test(name, ({ skip }) => skip(WHY));
}
