import { readdirSync } from 'node:fs';
import { bin, root } from './paths.mjs';
import { run, say } from './run.mjs';
import { hashFiles, isStamped } from './stamp.mjs';

/** Builds dist/ where the sources, the dependencies or the build itself have changed. */
export async function ensureBuild() {
  const value = sourcesHash();
  if (isStamped(`${root}/dist/.sources`, value)) return;
  say('build', 'bundling src into dist');
  await run(`${bin}/node`, [`${root}/scripts/build.mjs`], {
    cwd: root,
    env: process.env,
    remedy: 'Correct the error above in src.',
  });
}

/** What dist/ is made of. By content, not time: a checkout touches files that did not change. */
export function sourcesHash() {
  const sources = filesBelow(`${root}/src`).sort();
  return hashFiles([
    ...sources,
    `${root}/package.json`,
    `${root}/package-lock.json`,
    `${root}/scripts/build.mjs`,
  ]);
}

/** Every file below a directory. (readdir's `recursive` is silently ignored by Node before 18.17.) */
export function filesBelow(directory) {
  return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    const path = `${directory}/${entry.name}`;
    return entry.isDirectory() ? filesBelow(path) : [path];
  });
}
