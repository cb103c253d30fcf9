import { PostgresError } from '../errors.ts';
import type { Postmaster } from '../process/postmaster.ts';
import type { SettingsFiles, WantedSettings } from '../settings/settings-files.ts';
import type { LocalServer } from '../sql/local-server.ts';

/** What the works on a running server share. */
export interface Running {
  readonly postmaster: Postmaster;
  readonly files: SettingsFiles;
  readonly server: LocalServer;
}

/** Writes changed settings and makes the postmaster read them; proves nothing. */
export async function reload(running: Running, changes: Partial<WantedSettings>): Promise<void> {
  await running.files.change(changes, async () => {
    running.postmaster.signal('SIGHUP');
  });
}

/** Writes changed settings and returns when a new connection shows that the postmaster has read them. */
export async function reloadProven(
  running: Running,
  changes: Partial<WantedSettings>,
  signal: AbortSignal,
): Promise<void> {
  requireRunning(running);
  await running.files.change(changes, async (generation) => {
    running.postmaster.signal('SIGHUP');
    await running.server.untilGeneration(generation, signal);
  });
}

export function requireRunning(running: Pick<Running, 'postmaster'>): void {
  if (running.postmaster.state.state === 'running') return;
  throw new PostgresError('NOT_RUNNING', 'Postgres is not running', 'It is tried again by itself.');
}
