import { spawn } from 'node:child_process';
import { SetupError } from './setup-error.mjs';

/** Of what a failed program printed, the first and the last lines tell why. */
const HEAD = 15;
const TAIL = 25;

let running = null;
let interruption = null;

/** One line about a step, at its start. */
export function say(step, text) {
  process.stdout.write(`${step}: ${text}\n`);
}

/**
 * The first Ctrl-C ends the running step, but lets a package installation finish (dpkg must be repaired by hand
 * after an interruption); the second ends set-up at once.
 */
export function handleSignals() {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(signal, () => {
      if (interruption !== null) process.exit(130);
      interruption = signal;
      if (running === null) process.exit(130);
      if (running.whole) say('set-up', 'interrupted: waiting for the installation of packages to end');
      else running.child.kill(signal);
    });
  }
}

/**
 * Runs a program to its end and shows what it prints only where it fails. Rejects with a SetupError that has
 * `remedy`. `whole`: a signal to us does not end it half-way.
 */
export function run(command, args, { remedy, whole = false, ...options }) {
  return new Promise((resolve, reject) => {
    const lines = [];
    // Detached: in a process group of its own, where the terminal's Ctrl-C does not reach it.
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], detached: whole, ...options });
    running = { child, whole };
    const keep = (chunk) => {
      lines.push(...chunk.toString().split('\n').filter(Boolean));
      if (lines.length > HEAD + TAIL) lines.splice(HEAD, lines.length - HEAD - TAIL);
    };
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    const fail = (reason, cause) => {
      const shown = lines.map((line) => `  ${line}`).join('\n');
      reject(new SetupError(`${[command, ...args].join(' ')} ${reason}\n${shown}`, remedy, { cause }));
    };
    child.on('error', (error) => fail(`could not be started: ${error.message}`, error));
    child.on('close', (code, signal) => {
      running = null;
      if (interruption !== null)
        reject(new SetupError(`interrupted (${interruption})`, 'The next run goes on from here.'));
      else if (code === 0) resolve();
      else fail(signal === null ? `ended with exit code ${code}` : `was ended by ${signal}`);
    });
  });
}
