// Bundles src/main.ts into dist/: one entry and lazily loaded chunks, so that the agent starts Postgres before it
// has parsed the heavy clients. Made aside and swapped in whole: an interrupted or failed build changes nothing.
import { copyFile, mkdir, readdir, rename, rm } from 'node:fs/promises';
import { basename } from 'node:path';
import { build } from 'esbuild';
import { filesBelow, sourcesHash } from './setup/build-step.mjs';
import { root } from './setup/paths.mjs';
import { stamp } from './setup/stamp.mjs';

const made = `${root}/dist.new-${process.pid}`;
const old = `${root}/dist.old-${process.pid}`;
// Taken before the sources are read: what changes meanwhile is built again.
const hash = sourcesHash();

await removeAbandoned();
try {
  await build({
    absWorkingDir: root,
    // The others run in threads of the agent: each must be a file of its own.
    entryPoints: {
      main: 'src/main.ts',
      'reader-worker': 'src/archive/backup/reader-worker.ts',
      'segment-worker': 'src/archive/wal/segment-worker.ts',
    },
    outdir: made,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    sourcemap: 'linked',
    legalComments: 'none',
    logLevel: 'warning',
    // Bundled CommonJS packages call require() for Node's own modules.
    banner: {
      js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
    },
  });
  await copyAssets();
  stamp(`${made}/.sources`, hash);
  await swap();
} catch (error) {
  // What is wrong in the sources esbuild has printed already.
  if (!Array.isArray(error.errors)) throw error;
  process.exitCode = 1;
} finally {
  await rm(made, { recursive: true, force: true });
  await rm(old, { recursive: true, force: true });
}

/** Everything in src that is no TypeScript (the guard's Perl, SQL, pages) lies beside the bundle. */
async function copyAssets() {
  await mkdir(made, { recursive: true });
  const taken = new Set();
  for (const file of filesBelow(`${root}/src`)) {
    const name = basename(file);
    if (name.endsWith('.ts') || name.endsWith('.md')) continue;
    if (taken.has(name)) throw new TypeError(`two files in src are named ${name}: dist is flat`);
    taken.add(name);
    await copyFile(file, `${made}/${name}`);
  }
}

async function swap() {
  try {
    await rename(`${root}/dist`, old);
  } catch (error) {
    if (error.code !== 'ENOENT') throw error;
  }
  await rename(made, `${root}/dist`);
}

/** What builds that were killed have left: their process is gone. */
async function removeAbandoned() {
  for (const name of await readdir(root)) {
    const pid = /^dist\.(?:new|old)-(\d+)$/.exec(name)?.[1];
    if (pid !== undefined && !isAlive(Number(pid)))
      await rm(`${root}/${name}`, { recursive: true, force: true });
  }
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}
