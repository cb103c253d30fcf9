import { setTimeout as sleep } from 'node:timers/promises';
import { StillRunningError } from './errors.ts';
import { agentProcess, demoProcesses, memberProcesses } from './member-processes.ts';
import { observe } from './observe.ts';
import { isAlive, type ProcessIdentity, sendSignal, waitUntilGone } from './processes.ts';
import { API, runningProcess } from './run-files.ts';
import type { Demo, DemoMember } from './state.ts';

/** Above the agents' own `shutdown.grace` (25 s): they end by themselves, or something is wrong. */
const MEMBER_MILLIS = 30_000;
const API_MILLIS = 5000;
const KILLED_MILLIS = 5000;

/**
 * Stops a demo in order, whoever started it:
 *
 * 1. the standbys, together: so that the primary, going last, has nobody to hand over to (a stop of everything is
 *    no failover), and they stop with what it has sent them;
 * 2. the primary, which writes its last checkpoint;
 * 3. the API, which the agents need to write their last word to;
 * 4. whatever is left, by SIGKILL.
 */
export async function stopInOrder(demo: Demo, say: (text: string) => void): Promise<void> {
  const primary = (await observe(demo)).find(({ status }) => status?.role === 'primary')?.member;
  const standbys = demo.members.filter((member) => member.name !== primary?.name);
  await stopMembers(demo, standbys, say);
  if (primary !== undefined) await stopMembers(demo, [primary], say);
  const api = runningProcess(demo.layout, API);
  if (api !== null) {
    say('stopping the API');
    await end([api], API_MILLIS);
  }
  await killEverything(demo);
}

async function stopMembers(
  demo: Demo,
  members: readonly DemoMember[],
  say: (text: string) => void,
): Promise<void> {
  const running = members.filter((member) => memberProcesses(demo, member).length > 0);
  if (running.length === 0) return;
  say(`stopping ${running.map(({ name }) => name).join(', ')}`);
  await Promise.all(
    running.map(async (member) => {
      const agent = agentProcess(demo, member);
      if (agent !== null) sendSignal(agent, 'SIGTERM');
      // What `demo kill --signal STOP` froze could not stop.
      for (const process of memberProcesses(demo, member)) sendSignal(process, 'SIGCONT');
      if (agent !== null) await end([agent], MEMBER_MILLIS);
      const left = await waitUntilGone(memberProcesses(demo, member), agent === null ? 0 : 2000);
      if (left.length > 0) {
        say(`${member.name} did not end by itself: killed`);
        await end(left, 0);
      }
    }),
  );
}

/** SIGTERM, then SIGKILL to what is left after `grace` milliseconds. */
async function end(processes: readonly ProcessIdentity[], grace: number): Promise<void> {
  if (grace > 0) for (const process of processes) sendSignal(process, 'SIGTERM');
  const left = await waitUntilGone(processes, grace);
  for (const process of left) sendSignal(process, 'SIGKILL');
  await waitUntilGone(left, KILLED_MILLIS);
}

/**
 * SIGKILL to every process of the demo but the supervisor, again until none is left: a dying postmaster may have
 * started one more. Throws StillRunningError where one does not go.
 */
export async function killEverything(demo: Demo): Promise<void> {
  const deadline = performance.now() + KILLED_MILLIS;
  for (;;) {
    const left = demoProcesses(demo).filter(isAlive);
    if (left.length === 0) return;
    if (performance.now() > deadline) throw new StillRunningError(left.map(({ pid }) => pid));
    for (const process of left) sendSignal(process, 'SIGKILL');
    await sleep(20);
  }
}
