import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { EXIT } from '../commands/exit-codes.ts';
import { waitUntilComplete } from './complete.ts';
import { applicationUrl } from './describe.ts';
import { hints, invocation } from './hints.ts';
import { Narrator } from './narrator.ts';
import { observe } from './observe.ts';
import { type StartedSupervisor, startDemo, supervisorFailed } from './start.ts';
import type { Demo } from './state.ts';
import { killDemo, stopDemo } from './stop.ts';

const LOOK_MILLIS = 1000;
/** npm hands a Ctrl-C on that the terminal has sent to this process as well: the second of the two is no wish. */
const SAME_KEY_MILLIS = 700;

/**
 * Runs a demo in the foreground: shows how it comes up and goes on until Ctrl-C, then stops it in order. A second
 * Ctrl-C kills everything at once. Resolves with the exit code; whatever way it ends, nothing is left running.
 */
export async function runForeground(demo: Demo, timeoutSeconds: number): Promise<number> {
  const narrator = new Narrator(process.stdout);
  const ending = new AbortController();
  let impatient: Promise<void> | null = null;
  let first = 0;
  const onSignal = (): void => {
    if (!ending.signal.aborted) {
      first = performance.now();
      ending.abort();
    } else if (impatient === null && performance.now() - first > SAME_KEY_MILLIS) {
      narrator.say('killing everything');
      impatient = killDemo(demo);
    }
  };
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const name of signals) process.on(name, onSignal);
  try {
    narrator.say(`starting ${demo.members.length} members in ${demo.layout.dir}`);
    const supervisor = await startDemo(demo, true, ending.signal);
    try {
      await accompany(demo, supervisor, narrator, timeoutSeconds, ending.signal);
    } finally {
      narrator.say('', 'stopping');
      await stopDemo(demo, (text) => narrator.say(text));
      await impatient;
    }
    const run = invocation(process.env);
    narrator.say(`stopped; everything is kept: ${run} demo continues it, ${run} demo rm deletes it`);
    return EXIT.happened;
  } catch (error) {
    // A Ctrl-C while it came up: everything is stopped by now.
    if (ending.signal.aborted && (error as Error).name === 'AbortError') return EXIT.interrupted;
    throw error;
  } finally {
    for (const name of signals) process.removeListener(name, onSignal);
  }
}

/** Shows the cluster until `signal`; throws when its supervisor ends before that. */
async function accompany(
  demo: Demo,
  { child }: StartedSupervisor,
  narrator: Narrator,
  timeoutSeconds: number,
  signal: AbortSignal,
): Promise<void> {
  const onLook = (observations: Parameters<Narrator['look']>[0]): void =>
    narrator.look(observations, new Date());
  await waitUntilComplete(demo, { timeoutSeconds, signal, onLook });
  narrator.say(...hints(demo, await applicationUrl(demo), process.env));
  const gone = once(child, 'exit', { signal });
  gone.catch(() => {});
  while (!signal.aborted) {
    onLook(await observe(demo));
    if (child.exitCode !== null || child.signalCode !== null) throw supervisorFailed(demo, child, null);
    await Promise.race([sleep(LOOK_MILLIS, undefined, { signal }), gone]).catch(() => {});
  }
}
