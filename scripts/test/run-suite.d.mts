import type { Tally } from './tally.mjs';

export function runSuite(
  project: string,
  forVitest: readonly string[],
  environment?: Readonly<Record<string, string>>,
): Promise<Tally>;
export function run(
  command: string,
  args: readonly string[],
  environment?: Readonly<Record<string, string>>,
): Promise<number>;
