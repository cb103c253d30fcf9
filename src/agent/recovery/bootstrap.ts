import type { ReportRestore } from '../../archive/restore/progress.ts';
import type { Configuration } from '../../config/configuration.ts';
import type { Binaries } from '../../postgres/find-binaries.ts';
import type { FillDirectory, ReportProgress } from '../../postgres/ports.ts';
import { logServerMessage } from '../../postgres/process/server-log.ts';
import { pause } from '../../postgres/wait.ts';
import { AgentStateError } from '../errors.ts';
import type { Log } from '../log.ts';

/** Milliseconds between two tries of a restore that fails, at most. */
const LONGEST_PAUSE = 30_000;

/** What the first member of a cluster that begins out of an archive needs. */
export interface BootstrapParts {
  readonly configuration: Configuration;
  readonly binaries: Binaries;
  readonly log: Log;
}

/**
 * How the first member's directory is made out of an archive; null: by initdb. Nothing of it is loaded before it is
 * wanted.
 */
export function bootstrapOf(parts: BootstrapParts): ((report: ReportProgress) => FillDirectory) | null {
  if (parts.configuration.bootstrap.recovery.from === null) return null;
  const pace = new RetryPace();
  return (report) => async (place, signal) => {
    const { fillFromArchive, configuredFill } = await import('./fill.ts');
    const filled = await pace.attempt(
      () => fillFromArchive(parts, configuredFill(parts.configuration), place, tellBy(report), signal),
      signal,
    );
    if (filled === null) throw new AgentStateError('a bootstrap that was left at its target');
    return filled;
  };
}

/** What failed is tried again every second, and each try reads the whole catalogue of the archive. */
export class RetryPace {
  #failures = 0;

  async attempt<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
    if (this.#failures > 0)
      await pause(Math.min(LONGEST_PAUSE, 1_000 * 2 ** this.#failures), 'the restore', signal);
    try {
      return await work();
    } catch (error) {
      this.#failures += 1;
      throw error;
    }
  }
}

export function tellBy(report: ReportProgress): ReportRestore {
  return ({ phase, detail, ...pace }) =>
    report({ ...pace, detail: detail === '' ? phase : `${phase}: ${detail}` });
}

/** Lines of the Postgres that recovers go where those of any Postgres go. */
export function logRecovery(log: Log): (message: Parameters<typeof logServerMessage>[1]) => void {
  return (message) => logServerMessage(log, message);
}
