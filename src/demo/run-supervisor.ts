import type { Demo } from './state.ts';
import { Supervisor } from './supervisor.ts';

/**
 * The process of the supervisor: runs until SIGTERM, SIGINT or, `attached`, until its standard input ends: the
 * foreground process holds the other end, and the kernel closes that whatever way the process goes.
 */
export async function runSupervisor(demo: Demo, attached: boolean): Promise<void> {
  const ending = new AbortController();
  const end = (): void => ending.abort();
  process.on('SIGTERM', end);
  process.on('SIGINT', end);
  // The terminal may go; a detached demo stays.
  process.on('SIGHUP', () => {});
  if (attached) {
    process.stdin.resume();
    process.stdin.once('end', end);
    process.stdin.once('error', end);
  }
  const log = (msg: string): void => {
    process.stdout.write(`${JSON.stringify({ time: new Date().toISOString(), event: 'supervisor', msg })}\n`);
  };
  await new Supervisor(demo, log).run(ending.signal);
  process.stdin.destroy();
}
