import { readFile } from 'node:fs/promises';
import type { QueryText } from './read-queries.ts';

export interface FilesSeen {
  /** Those that could be read. */
  readonly texts: readonly QueryText[];
  readonly unreadable: readonly { readonly file: string; readonly why: string }[];
}

/** Reads each of the files; one that cannot be read is told and left out. */
export async function readFiles(files: readonly string[]): Promise<FilesSeen> {
  const seen = await Promise.all(
    files.map(async (file) => {
      try {
        return { file, text: await readFile(file, 'utf8') };
      } catch (error) {
        return { file, why: error instanceof Error ? error.message : String(error) };
      }
    }),
  );
  return {
    texts: seen.filter((each): each is QueryText => 'text' in each),
    unreadable: seen.filter((each): each is { file: string; why: string } => 'why' in each),
  };
}
