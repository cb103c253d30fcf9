import { copyFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from 'esbuild';

const ARCHIVE = join(import.meta.dirname, '..', '..', 'src', 'archive');

/**
 * A program of this folder as the agent's own code runs: bundled, beside the threads that it starts. Types that Node
 * strips at the start would count for tens of megabytes and a second of processor. Returns its path.
 */
export async function bundle(name: string, directory: string): Promise<string> {
  await mkdir(directory, { recursive: true });
  await build({
    entryPoints: {
      [name]: join(import.meta.dirname, `${name}.ts`),
      'reader-worker': join(ARCHIVE, 'backup', 'reader-worker.ts'),
      'segment-worker': join(ARCHIVE, 'wal', 'segment-worker.ts'),
    },
    outdir: directory,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    logLevel: 'warning',
    banner: {
      js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
    },
  });
  await copyFile(join(ARCHIVE, 'ask-agent.pl'), join(directory, 'ask-agent.pl'));
  return join(directory, `${name}.js`);
}
