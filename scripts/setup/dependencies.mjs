import { spawnSync } from 'node:child_process';
import { existsSync, rmSync } from 'node:fs';
import { bin, root } from './paths.mjs';
import { run, say } from './run.mjs';
import { SetupError } from './setup-error.mjs';
import { hashFiles, isStamped, stamp } from './stamp.mjs';

const NODE_MAJOR = 24;
const stampFile = `${root}/node_modules/.pgwarden-dependencies`;

/** Installs the locked dependencies, Node 24 among them, where they are missing or the lock file has changed. */
export async function ensureDependencies() {
  const value = hashFiles([`${root}/package-lock.json`]);
  if (isStamped(stampFile, value) && existsSync(`${bin}/node`)) return;
  say('dependencies', 'installing what package-lock.json names (npm ci), Node 24 included');
  // Gone first: an interrupted npm ci leaves half a node_modules.
  rmSync(stampFile, { force: true });
  const started = Date.now();
  // --ignore-scripts=false: the packages `node` and `esbuild` put their programs in place by a script.
  const args = [
    'ci',
    '--include=dev',
    '--ignore-scripts=false',
    '--no-audit',
    '--no-fund',
    '--loglevel=error',
  ];
  await run('npm', args, {
    cwd: root,
    env: { ...process.env, PATH: pathWithoutOwn() },
    remedy: 'Check that npm can reach a package registry (npm ping), and run the command again.',
  });
  checkNode();
  stamp(stampFile, value);
  say('dependencies', `installed in ${Math.round((Date.now() - started) / 1000)} s`);
}

/** npm ci deletes node_modules: neither npm nor its scripts may run on the node that lies in there. */
function pathWithoutOwn() {
  return (process.env.PATH ?? '')
    .split(':')
    .filter((directory) => !directory.startsWith(`${root}/node_modules/`))
    .join(':');
}

function checkNode() {
  const { stdout, error } = spawnSync(`${bin}/node`, ['--version'], { encoding: 'utf8' });
  if (stdout?.startsWith(`v${NODE_MAJOR}.`)) return;
  throw new SetupError(
    `npm installed no Node ${NODE_MAJOR} in node_modules/.bin (${error?.message ?? stdout.trim()})`,
    'Its package puts the program in place by an install script: allow those of `node` and `esbuild` (allowScripts in package.json names both; see `npm config get ignore-scripts` and `npm config get allow-scripts`).',
    { cause: error },
  );
}
