import { createInterface } from 'node:readline/promises';
import { NotConfirmedError } from './errors.ts';

/**
 * Asks before something destructive, on a terminal and without `--yes` only: a script is never asked.
 * Throws NotConfirmedError unless the answer is yes.
 */
export async function confirm(what: string, yes: boolean, signal: AbortSignal): Promise<void> {
  if (yes || process.stdin.isTTY !== true) return;
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const answer = await terminal.question(`${what}\nContinue? [y/N] `, { signal });
    if (!/^y(es)?$/i.test(answer.trim())) throw new NotConfirmedError(what);
  } finally {
    terminal.close();
  }
}
