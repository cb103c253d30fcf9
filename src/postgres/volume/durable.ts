import { randomBytes } from 'node:crypto';
import { type FileHandle, mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { errnoOf, fileError } from '../errors.ts';

/**
 * Replaces a file's content such that after a crash it holds the old bytes or the new ones: a temporary file,
 * fsync, rename, fsync of the directory.
 */
export async function writeDurably(path: string, content: string, mode = 0o600): Promise<void> {
  const temporary = `${path}.${randomBytes(4).toString('hex')}.tmp`;
  try {
    await withFile(temporary, 'wx', mode, async (file) => {
      await file.writeFile(content);
      await file.sync();
    });
    await rename(temporary, path);
    await syncPath(dirname(path));
  } catch (error) {
    await rm(temporary, { force: true });
    throw fileError(error, path);
  }
}

/**
 * Replaces a file's content such that a reader sees the old bytes or the new ones. Not durable: for what is written
 * anew before its next use after a crash of the machine.
 */
export async function writeAtomically(path: string, content: string, mode = 0o600): Promise<void> {
  const temporary = `${path}.${randomBytes(4).toString('hex')}.tmp`;
  try {
    await withFile(temporary, 'wx', mode, (file) => file.writeFile(content));
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw fileError(error, path);
  }
}

/** Renames within one file system; durable when it returns. */
export async function renameDurably(from: string, to: string): Promise<void> {
  try {
    await rename(from, to);
    await syncPath(dirname(to));
    if (dirname(from) !== dirname(to)) await syncPath(dirname(from));
  } catch (error) {
    throw fileError(error, to);
  }
}

/** Removes a file; durable when it returns; no error where there is none. */
export async function removeDurably(path: string): Promise<void> {
  try {
    await rm(path, { force: true });
    await syncPath(dirname(path));
  } catch (error) {
    throw fileError(error, path);
  }
}

/** Makes a directory (and its parents) that only its owner may enter. */
export async function makeDirectory(path: string): Promise<void> {
  try {
    const made = await mkdir(path, { recursive: true, mode: 0o700 });
    if (made !== undefined) await syncPath(dirname(path));
  } catch (error) {
    throw fileError(error, path);
  }
}

/** fsync of a file or a directory. */
export async function syncPath(path: string): Promise<void> {
  await withFile(path, 'r', 0, async (opened) => {
    try {
      await opened.sync();
    } catch (error) {
      // Some file systems know no fsync of a directory: Postgres itself lets EBADF and EINVAL pass (fsync_fname_ext).
      const code = errnoOf(error);
      if (code !== 'EBADF' && code !== 'EINVAL') throw error;
    }
  });
}

async function withFile(
  path: string,
  flags: string,
  mode: number,
  work: (file: FileHandle) => Promise<void>,
): Promise<void> {
  const file = await open(path, flags, mode);
  try {
    await work(file);
  } finally {
    await file.close();
  }
}
