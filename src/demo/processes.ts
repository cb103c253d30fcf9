import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** A process that cannot be mistaken for a later one with the same number. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Clock ticks from boot to its start: field 22 of /proc/PID/stat (proc_pid_stat(5)). */
  readonly startTime: string;
  /** Of the boot: the numbers start again after the next. */
  readonly boot: string;
}

interface Stat {
  readonly state: string;
  readonly session: number;
  readonly startTime: string;
}

const bootId = (): string => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();

/** Null where there is no such process. The name in brackets may itself hold brackets and spaces. */
function readStat(pid: number): Stat | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return { state: fields[0] ?? '', session: Number(fields[3]), startTime: fields[19] ?? '' };
  } catch {
    return null;
  }
}

const ended = (stat: Stat | null): boolean => stat === null || stat.state === 'Z' || stat.state === 'X';

/** The identity of a process that runs; null if there is none, or only its zombie. */
export function identityOf(pid: number): ProcessIdentity | null {
  const stat = readStat(pid);
  return stat === null || ended(stat) ? null : { pid, startTime: stat.startTime, boot: bootId() };
}

export function isAlive(identity: ProcessIdentity): boolean {
  const now = identityOf(identity.pid);
  return now !== null && now.startTime === identity.startTime && now.boot === identity.boot;
}

/** Whether a process that runs is stopped by SIGSTOP. */
export const isFrozen = (pid: number): boolean => readStat(pid)?.state === 'T';

const pids = (): number[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);

/** Processes whose working directory is `dir` or in it: every process of a Postgres sits in its data directory. */
export function processesIn(dir: string): ProcessIdentity[] {
  return pids().flatMap((pid) => {
    const identity = inside(pid, dir) ? identityOf(pid) : null;
    return identity === null ? [] : [identity];
  });
}

function inside(pid: number, dir: string): boolean {
  try {
    const cwd = readlinkSync(`/proc/${pid}/cwd`).replace(/ \(deleted\)$/, '');
    return cwd === dir || cwd.startsWith(`${dir}/`);
  } catch {
    return false;
  }
}

/** Processes of the session that `leader` began, itself included: an agent and its guard. */
export function processesOfSession(leader: number): ProcessIdentity[] {
  return pids().flatMap((pid) => {
    if (readStat(pid)?.session !== leader) return [];
    const identity = identityOf(pid);
    return identity === null ? [] : [identity];
  });
}

/** Sends a signal, unless the process is gone or its number is another's by now. Returns whether it was sent. */
export function sendSignal(identity: ProcessIdentity, signal: NodeJS.Signals): boolean {
  if (!isAlive(identity)) return false;
  try {
    process.kill(identity.pid, signal);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
    throw error;
  }
}

/** Waits until all are gone; returns those that are left after `timeout` milliseconds. */
export async function waitUntilGone(
  identities: readonly ProcessIdentity[],
  timeout: number,
  signal?: AbortSignal,
): Promise<ProcessIdentity[]> {
  const deadline = performance.now() + timeout;
  for (;;) {
    const left = identities.filter(isAlive);
    if (left.length === 0 || performance.now() >= deadline) return left;
    await sleep(50, undefined, signal === undefined ? {} : { signal });
  }
}
