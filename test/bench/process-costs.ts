import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** Clock ticks a second in /proc (getconf CLK_TCK): 100 on every Linux that Node runs on. */
const TICKS = 100;

const statOf = (pid: number): string[] => {
  const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
  return text.slice(text.lastIndexOf(')') + 2).split(' ');
};

/** User and system time that a process has had, in seconds, to 10 ms. */
export function cpuSeconds(pid: number): number {
  const fields = statOf(pid);
  return (Number(fields[11]) + Number(fields[12])) / TICKS;
}

/** When a process was forked, in seconds since boot, to 10 ms. */
export const startedAt = (pid: number): number => Number(statOf(pid)[19]) / TICKS;

/** Proportional set size in MB: what is shared with others counts by its share. */
export function pssMegabytes(pid: number): number {
  const kilobytes = /^Pss:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'latin1'))?.[1];
  return Number(kilobytes) / 1024;
}

/** The guard is the agent's child that works in no data directory: found by its name. */
export function guardOf(agent: number): number | null {
  const children = readFileSync(`/proc/${agent}/task/${agent}/children`, 'utf8').trim().split(' ');
  const found = children.find((pid) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes('pgwarden-guard');
    } catch {
      return false;
    }
  });
  return found === undefined ? null : Number(found);
}

/** CPU of a set of processes over a time, as a share of one core. */
export async function cpuShare(pids: readonly number[], millis: number): Promise<number> {
  const total = (): number => pids.reduce((sum, pid) => sum + cpuSeconds(pid), 0);
  const before = total();
  const begun = performance.now();
  await sleep(millis);
  return ((total() - before) * 1_000) / (performance.now() - begun);
}
