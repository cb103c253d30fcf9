import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bin, root } from '../setup/paths.mjs';

/** Runs one of vitest's projects, with `environment` beside our own. */
export async function runSuite(project, forVitest, environment = {}) {
  const directory = mkdtempSync(join(tmpdir(), 'pgwarden-tally-'));
  const file = join(directory, 'tally.json');
  try {
    const code = await run(`${bin}/vitest`, ['run', '--project', project, ...forVitest], {
      ...environment,
      PGWARDEN_TEST_TALLY: file,
    });
    const tally = readTally(file);
    // vitest can fail without a failed test (its own crash, no test file): never a success.
    if (code !== 0 && tally.failed === 0) tally.failed = 1;
    return tally;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function readTally(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    process.stdout.write(`the test runner left no counts: ${error.message}\n`);
    return { passed: 0, failed: 1, skipped: 0 };
  }
}

/** The exit code; 128 and more for a signal's. Ctrl-C reaches the child by the terminal, and it ends in order. */
export function run(command, args, environment = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: root,
      stdio: ['ignore', 'inherit', 'inherit'],
      // The programs of the dependencies are started by `node` out of PATH: it must be ours.
      env: { ...process.env, PATH: `${bin}:${process.env.PATH}`, ...environment },
    });
    const forward = (signal) => child.kill(signal);
    process.on('SIGINT', forward).on('SIGTERM', forward);
    child.on('error', reject);
    child.on('close', (code) => {
      process.off('SIGINT', forward).off('SIGTERM', forward);
      resolve(code ?? 128);
    });
  });
}
