/** The process of a drill ended without a result. */
export class DrillProcessError extends Error {
  readonly code = 'DRILL_PROCESS';
  readonly remedy =
    'See its last words, and whether the container has memory enough: the next drill clears up what this one left.';

  constructor(code: number | null, signal: NodeJS.Signals | null, said: string) {
    const how = code === null ? `was ended by ${signal ?? 'a signal'}` : `ended with exit code ${code}`;
    super(`the process of the drill ${how} without a result: ${said.trim() || 'it said nothing'}`);
    this.name = 'DrillProcessError';
  }
}
