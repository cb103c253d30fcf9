import { OF_COHORTS } from './of-cohorts.ts';
import { OF_COMING_BACK } from './of-coming-back.ts';
import { OF_LEASES } from './of-leases.ts';
import { OF_RECORDS } from './of-records.ts';
import { OF_RECOVERIES } from './of-recoveries.ts';
import { OF_TAKEOVERS } from './of-takeovers.ts';
import type { Script } from './script.ts';

export const SCRIPTS: readonly Script[] = [
  ...OF_TAKEOVERS,
  ...OF_COHORTS,
  ...OF_LEASES,
  ...OF_RECORDS,
  ...OF_COMING_BACK,
  ...OF_RECOVERIES,
];

/** The script with a name, or the one whose name contains a text. Throws a `RangeError` where there is none, or more than one. */
export function scriptNamed(text: string): Script {
  const named = SCRIPTS.filter(({ name }) => name === text);
  const found = named.length > 0 ? named : SCRIPTS.filter(({ name }) => name.includes(text));
  const [only] = found;
  if (only === undefined || found.length > 1) {
    const names = (found.length > 1 ? found : SCRIPTS).map(({ name }) => `  ${name}`).join('\n');
    throw new RangeError(`"${text}" is in the name of ${found.length} scripts. There are:\n${names}`);
  }
  return only;
}
