import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { run } from './run.mjs';

const DIRECTORY = '/etc/postgresql-common/createcluster.d';
const FILE = `${DIRECTORY}/pgwarden-setup.conf`;
const REMEDY = `Check that ${DIRECTORY} can be written to.`;

/**
 * Debian's packages make and start a database cluster `main` when a server is installed. `work` runs with that
 * switched off, and the switch is taken away again, so that a later install by a person is as ever.
 */
export async function withoutMainCluster(prefix, work) {
  const text = `${tmpdir()}/pgwarden-setup-${randomBytes(6).toString('hex')}.conf`;
  const asRoot = (...command) => {
    const [program, ...args] = [...prefix, ...command];
    return run(program, args, { remedy: REMEDY, whole: true });
  };
  writeFileSync(text, 'create_main_cluster = false\n', { mode: 0o644, flag: 'wx' });
  try {
    await asRoot('mkdir', '-p', DIRECTORY);
    await asRoot('cp', '--no-preserve=mode,ownership', text, FILE);
    await work();
  } finally {
    rmSync(text, { force: true });
    // Not by `run`: it ends with an error once set-up is interrupted, and this must be done even then.
    const [program, ...args] = [...prefix, 'rm', '-f', FILE];
    spawnSync(program, args, { stdio: 'ignore' });
  }
}
