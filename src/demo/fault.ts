import { constants } from 'node:os';
import { UsageError } from '../commands/errors.ts';
import { NotRunningError } from './errors.ts';
import { agentProcess, memberProcesses, postmasterProcess } from './member-processes.ts';
import { isFrozen, type ProcessIdentity, sendSignal } from './processes.ts';
import { clearDown, markDown, runningProcess, SUPERVISOR } from './run-files.ts';
import type { Demo, DemoMember } from './state.ts';

export const TARGETS = ['agent', 'postgres', 'all'] as const;
export type Target = (typeof TARGETS)[number];

/** The signal of a name, with or without `SIG`, in any case. Throws UsageError. */
export function parseSignal(text: string): NodeJS.Signals {
  const name = text.toUpperCase().replace(/^(?!SIG)/, 'SIG');
  if (name in constants.signals) return name as NodeJS.Signals;
  throw new UsageError(`not a signal: ${text}`, 'give one such as KILL, STOP, CONT, TERM or INT');
}

function targets(demo: Demo, member: DemoMember, what: Target): ProcessIdentity[] {
  const one = (process: ProcessIdentity | null): ProcessIdentity[] => (process === null ? [] : [process]);
  switch (what) {
    case 'agent':
      return one(agentProcess(demo, member));
    case 'postgres':
      return one(postmasterProcess(member));
    case 'all':
      return memberProcesses(demo, member);
  }
}

/**
 * Sends a signal to a member's agent, its postmaster, or all its processes; returns those that got it.
 * `stayDown`: the supervisor does not start the agent again until `revive`.
 */
export async function faultMember(
  demo: Demo,
  member: DemoMember,
  fault: { what: Target; signal: NodeJS.Signals; stayDown: boolean },
): Promise<readonly number[]> {
  // Marked first: the supervisor may be quick.
  if (fault.stayDown) await markDown(demo.layout, member.name);
  const hit = targets(demo, member, fault.what).filter((process) => sendSignal(process, fault.signal));
  if (hit.length === 0 && !fault.stayDown) {
    throw new UsageError(
      `${member.name} has no process to signal: ${fault.what}`,
      'look at pgwarden demo status; pgwarden demo revive starts an agent that is kept down',
    );
  }
  return hit.map(({ pid }) => pid);
}

/**
 * Undoes what `faultMember` did: processes that are frozen go on, and the supervisor starts an agent that is
 * gone. Throws NotRunningError where there is no supervisor to do so.
 */
export async function reviveMember(demo: Demo, member: DemoMember): Promise<void> {
  if (runningProcess(demo.layout, SUPERVISOR) === null) throw new NotRunningError(demo.layout.dir);
  await clearDown(demo.layout, member.name);
  for (const process of memberProcesses(demo, member)) {
    if (isFrozen(process.pid)) sendSignal(process, 'SIGCONT');
  }
}
