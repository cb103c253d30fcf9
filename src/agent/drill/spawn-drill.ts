import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { DrillOptions } from '../../archive/drill/drill.ts';
import { DrillCancelledError } from '../../archive/drill/errors.ts';
import type { DrillResult } from '../../archive/drill/result.ts';
import type { ArchiveSettings } from '../../archive/opened-archive.ts';
import { DrillProcessError } from './errors.ts';

/** What the process of a drill is told, as one line of JSON. */
export interface DrillOrder {
  readonly settings: ArchiveSettings;
  readonly options: Omit<DrillOptions, 'source' | 'report'>;
}

/** What it says, a line each. */
export type DrillMessage =
  | { readonly detail: string; readonly fraction: number | null }
  | { readonly result: DrillResult };

/** How long it may take to clear up when it is told to end, in milliseconds. */
const END_WITHIN = 30_000;

/**
 * Holds a drill in a process of its own, which gives itself the lowest priority: what it decompresses and checks takes
 * no time from this member, and if it dies this agent does not. It ends with its standard input, so also with this one.
 *
 * @throws DrillCancelledError, DrillProcessError
 */
export async function spawnDrill(
  order: DrillOrder,
  onProgress: (detail: string, fraction: number | null) => void,
  signal: AbortSignal,
): Promise<DrillResult> {
  signal.throwIfAborted();
  const child = spawn(process.execPath, [...process.execArgv, process.argv[1] ?? '', 'drill-worker'], {
    stdio: ['pipe', 'pipe', 'pipe'],
    // A signal to the agent's group must not end it half-way: it is told.
    detached: true,
  });
  const closed = once(child, 'close');
  closed.catch(() => undefined);
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-2_000);
  });
  child.stdin.on('error', () => undefined);
  child.stdin.write(`${JSON.stringify(order)}\n`);
  let killer: NodeJS.Timeout | undefined;
  const end = (): void => {
    child.stdin.end();
    killer = setTimeout(() => child.kill('SIGKILL'), END_WITHIN);
  };
  signal.addEventListener('abort', end, { once: true });
  let result: DrillResult | null = null;
  try {
    for await (const line of createInterface({ input: child.stdout })) {
      const message = JSON.parse(line) as DrillMessage;
      if ('result' in message) result = message.result;
      else onProgress(message.detail, message.fraction);
    }
    const [code, ended] = (await closed) as [number | null, NodeJS.Signals | null];
    if (signal.aborted) throw new DrillCancelledError(signal.reason);
    if (result !== null) return result;
    throw new DrillProcessError(code, ended, said);
  } finally {
    signal.removeEventListener('abort', end);
    clearTimeout(killer);
    child.stdin.end();
  }
}
