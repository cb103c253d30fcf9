import { readFile, writeFile } from 'node:fs/promises';
import { parse, stringify } from 'yaml';
import type { Demo } from '../../../src/demo/state.ts';

/** Gives every member these sections besides its own. For a demo that does not run. */
export async function configureMembers(demo: Demo, more: Readonly<Record<string, unknown>>): Promise<void> {
  for (const { config } of demo.members) {
    const before = parse(await readFile(config, 'utf8')) as Record<string, unknown>;
    await writeFile(config, stringify({ ...before, ...more }));
  }
}
