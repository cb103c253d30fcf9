import { readdir } from 'node:fs/promises';
import { isAbsent } from './faults.ts';

/** An entry on the way: a file, or a directory (its name ends with `/`, as a key sorts it). */
export interface Entry {
  readonly name: string;
  readonly isDirectory: boolean;
}

/** Tells what lies in a folder, by its key, in the order of keys; only entries that are wanted. */
export type Look = (
  folder: string,
  wanted: (name: string, isDirectory: boolean) => boolean,
) => Promise<readonly Entry[]>;

/**
 * The keys of the files that begin with `prefix` and come after `startAfter`, in the order of their bytes: a directory
 * sorts as its name with the slash. Hidden names are nobody's. What vanishes on the way is left out.
 */
export async function* walk(look: Look, prefix: string, startAfter: string): AsyncGenerator<string> {
  const slash = prefix.lastIndexOf('/') + 1;
  yield* below(look, prefix.slice(0, slash), prefix, startAfter);
}

async function* below(
  look: Look,
  folder: string,
  prefix: string,
  startAfter: string,
): AsyncGenerator<string> {
  const wanted = (name: string, isDirectory: boolean): boolean => {
    const key = folder + name;
    if (!key.startsWith(prefix) && !prefix.startsWith(key)) return false;
    // A directory all of whose keys come before `startAfter` is not opened.
    return key > startAfter || (isDirectory && startAfter.startsWith(key));
  };
  for (const { name, isDirectory } of await look(folder, wanted)) {
    if (isDirectory) yield* below(look, folder + name, prefix, startAfter);
    else yield folder + name;
  }
}

/** What lies in a directory, in the order of keys; nothing where it is absent. Picked before it is sorted. */
export async function entriesOf(
  directory: string,
  wanted: (name: string, isDirectory: boolean) => boolean,
): Promise<Entry[]> {
  try {
    const found: Entry[] = [];
    for (const entry of await readdir(directory, { withFileTypes: true })) {
      const isDirectory = entry.isDirectory();
      const name = isDirectory ? `${entry.name}/` : entry.name;
      if (name.startsWith('.') || !(isDirectory || entry.isFile())) continue;
      if (wanted(name, isDirectory)) found.push({ name, isDirectory });
    }
    return found.sort((a, b) => (a.name < b.name ? -1 : 1));
  } catch (error) {
    if (isAbsent(error)) return [];
    throw error;
  }
}
