import { resolve } from 'node:path';
import { removeDemo } from './create.ts';
import { AlreadyRunningError } from './errors.ts';
import { layoutOf } from './layout.ts';
import { readManifest } from './manifest.ts';
import { demoProcesses } from './member-processes.ts';
import { runningProcess, SUPERVISOR } from './run-files.ts';
import { demoOf } from './state.ts';
import { killDemo } from './stop.ts';

/**
 * Deletes the demo in a directory; returns what else is in it (and is kept). `force`: one that runs is killed
 * first; else it throws AlreadyRunningError. Throws NoDemoError or BrokenManifestError for what is no demo.
 */
export async function deleteDemo(dir: string, force: boolean): Promise<readonly string[]> {
  const layout = layoutOf(resolve(dir));
  const manifest = await readManifest(layout).catch((error: unknown) => {
    // Of another version: it cannot be read further, but it is a demo.
    if ((error as { code?: unknown }).code === 'OTHER_VERSION') return null;
    throw error;
  });
  const supervisor = runningProcess(layout, SUPERVISOR);
  const demo = manifest === null ? null : demoOf(layout, manifest);
  if (supervisor !== null || (demo !== null && demoProcesses(demo).length > 0)) {
    if (!force || demo === null) throw new AlreadyRunningError(layout.dir, 'it is not deleted');
    await killDemo(demo);
  }
  return removeDemo(dir);
}
