import { styleText } from 'node:util';
import { asCalled } from './as-called.ts';
import { CommandError } from './errors.ts';
import { EXIT } from './exit-codes.ts';
import type { OutputFormat } from './output/format.ts';

interface Reported {
  readonly code: string;
  readonly message: string;
  readonly remedy: string | null;
}

/** Any error that carries a stable `code` and a `remedy`, whichever folder's it is. */
function describe(error: unknown): Reported {
  if (!(error instanceof Error)) return { code: 'INTERNAL', message: String(error), remedy: null };
  const fields = error as Error & { code?: unknown; remedy?: unknown };
  return {
    code: typeof fields.code === 'string' ? fields.code : 'INTERNAL',
    message: error.message,
    remedy: typeof fields.remedy === 'string' ? fields.remedy : null,
  };
}

/** Errors of the rooms below that say that the command line is wrong. */
const USAGE_CODES: ReadonlySet<string> = new Set(['UNKNOWN_FLAG']);

function exitCodeOf(error: unknown, code: string): number {
  if (error instanceof CommandError) return error.exitCode;
  return USAGE_CODES.has(code) ? EXIT.usage : EXIT.failed;
}

/** The causes behind an error, outermost first, without what the message says already. */
function causes(error: unknown): string[] {
  const lines: string[] = [];
  let current = error instanceof Error ? error.cause : undefined;
  while (current instanceof Error && lines.length < 5) {
    lines.push(current.message);
    current = current.cause;
  }
  return lines;
}

/**
 * Prints an error to standard error, as cause and remedy lines, or as one JSON object under `-o json|yaml`,
 * and returns the exit code. An error that is nobody's fault but the program's shows its stack.
 */
export function reportError(error: unknown, format: OutputFormat): number {
  const reported = describe(error);
  const exitCode = exitCodeOf(error, reported.code);
  if (format !== 'table') {
    process.stderr.write(`${JSON.stringify({ error: { ...reported, causes: causes(error) } })}\n`);
    return exitCode;
  }
  const label = (text: string, style: 'red' | 'yellow' | 'dim'): string =>
    styleText(style, text, { stream: process.stderr });
  const { env } = process;
  process.stderr.write(`${label('error:', 'red')} ${asCalled(reported.message, env)}\n`);
  for (const cause of causes(error)) process.stderr.write(`${label('cause:', 'dim')} ${cause}\n`);
  if (reported.remedy !== null)
    process.stderr.write(`${label('remedy:', 'yellow')} ${asCalled(reported.remedy, env)}\n`);
  else if (error instanceof Error && reported.code === 'INTERNAL') process.stderr.write(`${error.stack}\n`);
  return exitCode;
}
