import { setTimeout as sleep } from 'node:timers/promises';
import { NotRunningError, NotStreamingError, StartFailedError } from './errors.ts';
import { expectsQuorum } from './expectation.ts';
import { logFile } from './layout.ts';
import { activity, isComplete, isProtected, type Observation, observe } from './observe.ts';
import { readRunFile, runningProcess, SUPERVISOR } from './run-files.ts';
import { lastLine } from './start.ts';
import type { Demo } from './state.ts';

const POLL_MILLIS = 200;
/** An agent that ended so often in a row while the cluster comes up will not come up. */
const RESTARTS_MOST = 4;

export interface CompleteOptions {
  readonly timeoutSeconds: number;
  readonly signal: AbortSignal;
  /** Told of every look. */
  readonly onLook: (observations: readonly Observation[]) => void;
}

/**
 * Waits until one primary serves, all others stream from it, and, unless the demo is asynchronous, commits wait for
 * them. Throws NotStreamingError after the time,
 * StartFailedError where an agent keeps ending, NotRunningError where the supervisor is gone.
 */
export async function waitUntilComplete(
  demo: Demo,
  options: CompleteOptions,
): Promise<readonly Observation[]> {
  const { layout } = demo;
  const quorum = await expectsQuorum(demo);
  const deadline = performance.now() + options.timeoutSeconds * 1000;
  for (;;) {
    const observations = await observe(demo, options.signal);
    options.onLook(observations);
    if (isComplete(observations) && (!quorum || isProtected(observations))) return observations;
    if (runningProcess(layout, SUPERVISOR) === null) throw new NotRunningError(layout.dir);
    for (const { member, status } of observations) {
      const noted = status === null ? readRunFile(layout, member.name) : null;
      if (noted !== null && noted.restarts >= RESTARTS_MOST) {
        const log = logFile(layout, member.name);
        throw new StartFailedError(
          `the agent of ${member.name}`,
          `keeps ending (${noted.lastExit})`,
          lastLine(log),
          log,
        );
      }
    }
    if (performance.now() > deadline) {
      const seen = observations.map(({ member, status }) => `${member.name} ${activity(status)}`).join(', ');
      throw new NotStreamingError(options.timeoutSeconds, seen, layout.logs);
    }
    await sleep(POLL_MILLIS, undefined, { signal: options.signal });
  }
}
