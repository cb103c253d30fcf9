import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { ToolFailedError } from '../../postgres/errors.ts';
import type { Binaries } from '../../postgres/find-binaries.ts';
import { runTool } from '../../postgres/process/tool.ts';
import type { CheckOutcome } from './result.ts';
import type { ScratchServer } from './scratch-server.ts';

/** A query that a person wants to be true of every restore. */
export interface DrillCheck {
  readonly name: string;
  readonly database: string;
  readonly sql: string;
}

/** What is told of a value or an error. */
const SAID_MAX = 500;
/** pg_amcheck's exit code when it found corruption (its documentation, "Exit status"). */
const CORRUPT = 2;

/**
 * Runs the checks one after the other. One passes when its query gives a row whose first value is neither false nor
 * null.
 */
export async function runChecks(
  server: ScratchServer,
  checks: readonly DrillCheck[],
  signal: AbortSignal,
): Promise<CheckOutcome[]> {
  const outcomes: CheckOutcome[] = [];
  for (const check of checks) {
    signal.throwIfAborted();
    const began = performance.now();
    const { ok, said } = await outcomeOf(server, check, signal);
    outcomes.push({
      name: check.name,
      ok,
      said: said.slice(0, SAID_MAX),
      milliseconds: Math.round(performance.now() - began),
    });
  }
  return outcomes;
}

async function outcomeOf(
  server: ScratchServer,
  { database, sql }: DrillCheck,
  signal: AbortSignal,
): Promise<{ readonly ok: boolean; readonly said: string }> {
  try {
    const value = await server.session(
      database,
      async (client) => {
        const { rows } = await client.query<unknown[]>({ text: sql, rowMode: 'array' });
        return rows[0];
      },
      signal,
    );
    if (value === undefined) return { ok: false, said: 'it gave no row' };
    const [first] = value;
    return { ok: first !== false && first !== null && first !== undefined, said: textOf(first) };
  } catch (error) {
    signal.throwIfAborted();
    return { ok: false, said: error instanceof Error ? error.message : String(error) };
  }
}

function textOf(value: unknown): string {
  if (value === null || value === undefined) return 'null';
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

/**
 * Checks every table and B-tree of every database by pg_amcheck, whose extension is installed in the scratch copy for
 * that.
 */
export async function amcheck(
  server: ScratchServer,
  binaries: Binaries,
  signal: AbortSignal,
): Promise<{ readonly outcome: 'passed' | 'failed' | 'absent'; readonly said: string | null }> {
  const file = join(binaries.directory, 'pg_amcheck');
  const isThere = await access(file).then(
    () => true,
    () => false,
  );
  if (!isThere) return { outcome: 'absent', said: null };
  try {
    const { exitCode, stdout, stderr } = await runTool(
      {
        name: 'pg_amcheck',
        file,
        arguments: [...server.connection, '--all', '--install-missing', '--heapallindexed', '--no-password'],
        accept: [0, CORRUPT],
      },
      signal,
    );
    if (exitCode === 0) return { outcome: 'passed', said: null };
    return { outcome: 'failed', said: (stdout || stderr).slice(0, SAID_MAX) };
  } catch (error) {
    if (!(error instanceof ToolFailedError)) throw error;
    // The program is there, and its extension is not (Debian has it in the server's package, others in contrib).
    if (/extension "amcheck" is not available|could not open extension control file/.test(error.output))
      return { outcome: 'absent', said: null };
    return { outcome: 'failed', said: error.output.slice(0, SAID_MAX) };
  }
}
