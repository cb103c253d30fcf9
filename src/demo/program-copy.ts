import { existsSync } from 'node:fs';
import { cp, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { NotBuiltError } from './errors.ts';
import type { Layout } from './layout.ts';

/** The directory of the built program: where this code runs from, or, from sources, `dist` beside `src`. */
export function builtProgram(moduleUrl: string = import.meta.url): string {
  const here = dirname(fileURLToPath(moduleUrl));
  const dist = moduleUrl.endsWith('.ts') ? join(here, '..', '..', 'dist') : here;
  if (!existsSync(join(dist, 'main.js'))) throw new NotBuiltError(join(dist, 'main.js'));
  return dist;
}

/**
 * Copies the built program into the demo, in place of an older copy: a running demo keeps its own version
 * whatever is built meanwhile, and an agent that gave root up can read it.
 */
export async function copyProgram(layout: Layout, version: string): Promise<void> {
  const dist = builtProgram();
  if (dist === layout.program) return;
  const next = `${layout.program}.new`;
  await rm(next, { recursive: true, force: true });
  await cp(dist, next, { recursive: true, filter: (source) => !source.endsWith('.map') });
  // Without it Node would have to guess that the files are ES modules.
  await writeFile(
    join(next, 'package.json'),
    `${JSON.stringify({ name: 'pgwarden', version, type: 'module' })}\n`,
  );
  await rm(layout.program, { recursive: true, force: true });
  await rename(next, layout.program);
}
