import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { identityOf, type ProcessIdentity, processesIn, processesOfSession } from './processes.ts';
import { API, readRunFile, runningProcess } from './run-files.ts';
import type { Demo, DemoMember } from './state.ts';

/** The member's agent, if it runs. */
export function agentProcess(demo: Demo, member: DemoMember): ProcessIdentity | null {
  return runningProcess(demo.layout, member.name);
}

/**
 * The member's postmaster, if it runs: the first line of postmaster.pid, believed only where that process sits
 * in this data directory.
 */
export function postmasterProcess(member: DemoMember): ProcessIdentity | null {
  let pid: number;
  try {
    pid = Number(readFileSync(join(member.dataDirectory, 'postmaster.pid'), 'utf8').split('\n')[0]);
  } catch {
    return null;
  }
  return processesIn(member.dataDirectory).find((identity) => identity.pid === pid) ?? null;
}

/** Every process of the member: the agent, its guard, and each backend (a session of its own, so by directory). */
export function memberProcesses(demo: Demo, member: DemoMember): ProcessIdentity[] {
  const noted = readRunFile(demo.layout, member.name);
  const session = noted === null ? [] : sessionOf(noted);
  return unique([...session, ...processesIn(member.volume)]);
}

/**
 * What is left of the session that the noted process began. The session may outlive its leader, and its number
 * is given to no other process while it does: so a leader that is alive must be the noted one.
 */
function sessionOf(noted: ProcessIdentity): ProcessIdentity[] {
  const leader = identityOf(noted.pid);
  if (leader !== null && leader.startTime !== noted.startTime) return [];
  return processesOfSession(noted.pid).filter((identity) => identity.boot === noted.boot);
}

/** Every process of the demo but its supervisor. */
export function demoProcesses(demo: Demo): ProcessIdentity[] {
  const api = runningProcess(demo.layout, API);
  const members = demo.members.flatMap((member) => memberProcesses(demo, member));
  return unique(api === null ? members : [...members, api]);
}

function unique(identities: readonly ProcessIdentity[]): ProcessIdentity[] {
  return [...new Map(identities.map((identity) => [identity.pid, identity])).values()].filter(
    ({ pid }) => pid !== process.pid && identityOf(pid) !== null,
  );
}
