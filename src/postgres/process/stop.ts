import type { InstanceDeps } from '../ports.ts';
import { bounded, orNullAfter } from '../wait.ts';
import { isLockFree } from './lock.ts';
import { killAll } from './orphans.ts';
import type { Postmaster } from './postmaster.ts';

/** SIGQUIT: backends end at once; what does not is stuck in the kernel or stopped. */
const IMMEDIATE_MS = 2_000;
const KILL_MS = 10_000;
const PROOF_MS = 5_000;

export type StopMode = 'fast' | 'immediate' | 'kill';

const STAGES: readonly { readonly mode: StopMode; readonly signal: NodeJS.Signals }[] = [
  { mode: 'fast', signal: 'SIGINT' },
  { mode: 'immediate', signal: 'SIGQUIT' },
];

/**
 * Ends Postgres, beginning at `mode`: each stage is bounded, the next is harder, and the last proves by the lock that
 * no process of the directory is left. A signal that fires goes to the next stage at once.
 */
export async function stopPostgres(
  postmaster: Postmaster,
  paths: { readonly data: string; readonly lock: string },
  mode: StopMode,
  fastMs: number,
  deps: InstanceDeps,
  signal?: AbortSignal,
): Promise<void> {
  postmaster.markStopping();
  const first = STAGES.findIndex((stage) => stage.mode === mode);
  for (const stage of first < 0 ? [] : STAGES.slice(first)) {
    if (!postmaster.signal(stage.signal)) break;
    const limit = stage.mode === 'fast' ? bounded(fastMs, signal) : bounded(IMMEDIATE_MS);
    const exited = await postmaster.untilExited(`a ${stage.mode} shutdown`, limit).then(
      () => true,
      () => false,
    );
    if (exited) break;
    deps.logger.warn(
      { event: 'stop_escalates', mode: stage.mode },
      `the ${stage.mode} shutdown took too long`,
    );
  }
  // After the postmaster its children may take a moment; a free lock ends the matter without a scan of /proc.
  if (mode !== 'kill' && postmaster.pid === null && (await lockFreeSoon(paths.lock))) return;
  await killAll(paths.data, paths.lock, bounded(KILL_MS));
  await postmaster.untilExited('the end of a killed postmaster', bounded(PROOF_MS));
}

async function lockFreeSoon(lock: string): Promise<boolean> {
  const limit = bounded(PROOF_MS);
  for (let look = 0; look < 5; look++) {
    if (await isLockFree(lock, limit)) return true;
    await orNullAfter(20, new Promise(() => undefined));
  }
  return false;
}
