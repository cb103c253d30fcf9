import { demoProcesses } from './member-processes.ts';
import { sendSignal, waitUntilGone } from './processes.ts';
import { runningProcess, SUPERVISOR } from './run-files.ts';
import type { Demo } from './state.ts';
import { killEverything, stopInOrder } from './stop-order.ts';

/** Twice the bound of one member, the API's, and some more. */
const SUPERVISOR_MILLIS = 90_000;

/** Stops the demo, in order; false where nothing of it ran. A supervisor that hangs, or is gone, is done without. */
export async function stopDemo(demo: Demo, say: (text: string) => void): Promise<boolean> {
  const supervisor = runningProcess(demo.layout, SUPERVISOR);
  if (supervisor === null && demoProcesses(demo).length === 0) return false;
  if (supervisor !== null) {
    say('standbys first, then the primary, then the API');
    sendSignal(supervisor, 'SIGTERM');
    sendSignal(supervisor, 'SIGCONT');
    const left = await waitUntilGone([supervisor], SUPERVISOR_MILLIS);
    for (const process of left) sendSignal(process, 'SIGKILL');
  }
  // A supervisor that did its work leaves nothing for this to do.
  await stopInOrder(demo, say);
  return true;
}

/** SIGKILL to everything at once: supervisor, agents, Postgres, API. */
export async function killDemo(demo: Demo): Promise<void> {
  const supervisor = runningProcess(demo.layout, SUPERVISOR);
  if (supervisor !== null) {
    sendSignal(supervisor, 'SIGKILL');
    await waitUntilGone([supervisor], 5000);
  }
  await killEverything(demo);
}
