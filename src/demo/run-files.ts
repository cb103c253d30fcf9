import { readFileSync } from 'node:fs';
import { access, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Layout } from './layout.ts';
import { isAlive, type ProcessIdentity } from './processes.ts';

/** What the supervisor notes of a process that it runs. */
export interface RunFile extends ProcessIdentity {
  /** How often it was started again since the supervisor began. */
  readonly restarts: number;
  /** How it ended the last time, in words; null while it never did. */
  readonly lastExit: string | null;
}

export const SUPERVISOR = 'supervisor';
export const API = 'api';

const runFile = (layout: Layout, name: string): string => join(layout.state, `${name}.json`);
const downMark = (layout: Layout, name: string): string => join(layout.state, `${name}.down`);

/** Replaced by a rename: a reader never sees half of it. */
export async function writeRunFile(layout: Layout, name: string, content: RunFile): Promise<void> {
  const path = runFile(layout, name);
  await writeFile(`${path}.new`, JSON.stringify(content));
  await rename(`${path}.new`, path);
}

/** What was noted last, whether or not that process is alive; null where nothing was. */
export function readRunFile(layout: Layout, name: string): RunFile | null {
  try {
    return JSON.parse(readFileSync(runFile(layout, name), 'utf8')) as RunFile;
  } catch {
    return null;
  }
}

/** The noted process, if it is alive. */
export function runningProcess(layout: Layout, name: string): RunFile | null {
  const noted = readRunFile(layout, name);
  return noted !== null && isAlive(noted) ? noted : null;
}

/** Marks a member as one that the supervisor does not start again. */
export const markDown = (layout: Layout, name: string): Promise<void> =>
  writeFile(downMark(layout, name), '');

export const clearDown = (layout: Layout, name: string): Promise<void> =>
  rm(downMark(layout, name), { force: true });

export async function isMarkedDown(layout: Layout, name: string): Promise<boolean> {
  return access(downMark(layout, name)).then(
    () => true,
    () => false,
  );
}
