import { type ChildProcess, spawn } from 'node:child_process';
import { errnoOf, InterruptedWorkError, PostgresError, ToolFailedError } from '../errors.ts';
import { throwIfAborted } from '../wait.ts';

// node:child_process and not execa: this is loaded before Postgres is started, and execa takes 80 ms to import.

const OUTPUT_MAX = 64 * 1024;
const KILL_AFTER_MS = 2_000;

export interface ToolRun {
  /** For messages. */
  readonly name: string;
  readonly file: string;
  readonly arguments: readonly string[];
  readonly cwd?: string;
  readonly environment?: Readonly<Record<string, string>>;
  /** Every line of standard error, also those that end in a carriage return (progress). */
  readonly onErrorLine?: (line: string) => void;
  /** Exit codes that are not failures; default: 0. */
  readonly accept?: readonly number[];
}

export interface ToolResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs a program to its end, with LC_ALL=C and nothing on its standard input. Rejects with `ToolFailedError`, with
 * `BINARIES_MISSING`, or, when the signal fires (SIGTERM, then SIGKILL), with `InterruptedWorkError`; then the
 * program has ended, and so has every process that it made: pg_basebackup streams WAL in a second one, which outlives
 * the first where that dies by a signal, and would keep its output and the volume's lock for ever.
 */
export async function runTool(run: ToolRun, signal: AbortSignal): Promise<ToolResult> {
  throwIfAborted(run.name, signal);
  return new Promise((resolve, reject) => {
    const child = spawn(run.file, run.arguments, {
      cwd: run.cwd ?? '/',
      env: { ...process.env, LC_ALL: 'C', ...run.environment },
      stdio: ['ignore', 'pipe', 'pipe'],
      // A group of its own: a signal to the agent's must not end it half-way. The agent ends it itself, and all of it.
      detached: true,
    });
    let stdout = '';
    let stderr = '';
    let partial = '';
    let killer: NodeJS.Timeout | undefined;
    const abort = (): void => {
      signalGroup(child, 'SIGTERM');
      killer = setTimeout(() => signalGroup(child, 'SIGKILL'), KILL_AFTER_MS);
    };
    signal.addEventListener('abort', abort, { once: true });
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout = (stdout + text).slice(-OUTPUT_MAX);
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr = (stderr + text).slice(-OUTPUT_MAX);
      const lines = (partial + text).split(/[\r\n]/);
      partial = lines.pop() ?? '';
      for (const line of lines) if (line !== '') run.onErrorLine?.(line);
    });
    child.on('error', (error) => {
      signal.removeEventListener('abort', abort);
      reject(missingBinary(run, error));
    });
    child.on('exit', () => signalGroup(child, 'SIGKILL'));
    child.on('close', (code, ended) => {
      clearTimeout(killer);
      signal.removeEventListener('abort', abort);
      if (signal.aborted) reject(new InterruptedWorkError(run.name, signal.reason));
      else if (code !== null && (run.accept ?? [0]).includes(code))
        resolve({ exitCode: code, stdout, stderr });
      else reject(new ToolFailedError(run.name, code, ended, stderr.slice(-2_000)));
    });
  });
}

/** To every process of the program; nothing where none is left (ESRCH), or none that is still ours (EPERM). */
function signalGroup({ pid }: ChildProcess, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch (error) {
    if (!['ESRCH', 'EPERM'].includes(errnoOf(error) ?? '')) throw error;
  }
}

function missingBinary(run: ToolRun, cause: Error): PostgresError {
  return new PostgresError(
    'BINARIES_MISSING',
    `${run.file} cannot be run: ${cause.message}`,
    'Install the whole PostgreSQL server package and util-linux (flock), or set the directory of the binaries.',
    { cause },
  );
}
