import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { PROGRAM_VERSION } from '../commands/version.ts';
import { AlreadyRunningError, StartFailedError } from './errors.ts';
import { logFile } from './layout.ts';
import { demoProcesses } from './member-processes.ts';
import { requireFree } from './ports.ts';
import { copyProgram } from './program-copy.ts';
import { clearDown, runningProcess, SUPERVISOR } from './run-files.ts';
import type { Demo } from './state.ts';

/** What `flock` ends with where another supervisor holds the lock. */
const LOCKED = 75;
const START_MILLIS = 20_000;

/** A supervisor that was started. */
export interface StartedSupervisor {
  readonly child: ChildProcess;
  /** Lets the supervisor go on without this process. */
  detach(): void;
}

/**
 * Starts the supervisor, and with it the demo, in a session of its own. `attached`: it ends, in order, when this
 * process does, whatever ends it. Throws AlreadyRunningError, PortBusyError, StartFailedError.
 */
export async function startDemo(
  demo: Demo,
  attached: boolean,
  signal: AbortSignal,
): Promise<StartedSupervisor> {
  const { layout, manifest } = demo;
  const supervisor = runningProcess(layout, SUPERVISOR);
  if (supervisor !== null) throw new AlreadyRunningError(layout.dir, `supervisor ${supervisor.pid}`);
  const left = demoProcesses(demo);
  if (left.length > 0) {
    throw new AlreadyRunningError(
      layout.dir,
      `processes ${left.map(({ pid }) => pid).join(', ')} are left of it`,
    );
  }
  await requireFree(
    { api: manifest.apiPort, members: manifest.members },
    manifest.members.map(({ name }) => name),
    'end what listens there (ss -ltnp shows it), or make another demo with another --dir',
  );
  await copyProgram(layout, PROGRAM_VERSION);
  for (const { name } of demo.members) await clearDown(layout, name);
  const child = await spawnSupervisor(demo, attached);
  await waitUntilNoted(demo, child, signal);
  return {
    child,
    detach: () => child.unref(),
  };
}

async function spawnSupervisor(demo: Demo, attached: boolean): Promise<ChildProcess> {
  const { layout } = demo;
  const log = await open(logFile(layout, SUPERVISOR), 'a');
  try {
    // The lock is of the process that flock becomes: two starts at once, and only one goes on. Node marks what it
    // inherits as close-on-exec, so no child of the supervisor keeps it.
    const lock = ['--no-fork', '--nonblock', '--conflict-exit-code', String(LOCKED), layout.lock];
    const program = [process.execPath, layout.main, 'demo-supervisor', '--dir', layout.dir];
    return spawn('flock', [...lock, ...program, ...(attached ? ['--attached'] : [])], {
      cwd: '/',
      detached: true,
      stdio: [attached ? 'pipe' : 'ignore', log.fd, log.fd],
    });
  } finally {
    await log.close();
  }
}

async function waitUntilNoted(demo: Demo, child: ChildProcess, signal: AbortSignal): Promise<void> {
  const { layout } = demo;
  let failure: Error | null = null;
  child.once('error', (error) => {
    failure = error;
  });
  const deadline = performance.now() + START_MILLIS;
  for (;;) {
    if (runningProcess(layout, SUPERVISOR)?.pid === child.pid && child.pid !== undefined) return;
    if (child.exitCode === LOCKED)
      throw new AlreadyRunningError(layout.dir, 'another supervisor holds its lock');
    if (
      failure !== null ||
      child.exitCode !== null ||
      child.signalCode !== null ||
      performance.now() > deadline
    ) {
      throw supervisorFailed(demo, child, failure);
    }
    await sleep(20, undefined, { signal });
  }
}

/** The error for a supervisor that ended, with the last words of its log. */
export function supervisorFailed(demo: Demo, child: ChildProcess, cause: Error | null): StartFailedError {
  const how =
    cause !== null
      ? `could not be started (${cause.message})`
      : child.exitCode === null && child.signalCode === null
        ? 'does not come up'
        : `ended (${child.signalCode ?? `exit code ${child.exitCode}`})`;
  const log = logFile(demo.layout, SUPERVISOR);
  return new StartFailedError('the supervisor', how, lastLine(log), log);
}

/** The last line of a log that is not empty; for JSON lines, their message. */
export function lastLine(path: string): string {
  let text: string;
  try {
    text = readFileSync(path, 'utf8').trimEnd();
  } catch {
    return '';
  }
  const line = text.slice(text.lastIndexOf('\n') + 1);
  try {
    const { msg } = JSON.parse(line) as { msg?: unknown };
    return typeof msg === 'string' ? msg : line;
  } catch {
    return line;
  }
}
