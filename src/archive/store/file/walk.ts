import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { isAbsent } from './faults.ts';

/** An entry on the way: a file, or a directory (its name ends with `/`, as a key sorts it). */
interface Entry {
  readonly name: string;
  readonly isDirectory: boolean;
}

/**
 * The keys of the files below `root` that begin with `prefix` and come after `startAfter`, in the order of their
 * bytes: a directory sorts as its name with the slash. Hidden names are nobody's. What vanishes on the way is left out.
 */
export async function* walk(root: string, prefix: string, startAfter: string): AsyncGenerator<string> {
  const slash = prefix.lastIndexOf('/') + 1;
  yield* below(root, prefix.slice(0, slash), prefix, startAfter);
}

async function* below(
  root: string,
  folder: string,
  prefix: string,
  startAfter: string,
): AsyncGenerator<string> {
  for (const { name, isDirectory } of await entriesOf(join(root, folder))) {
    const key = folder + name;
    if (!key.startsWith(prefix) && !prefix.startsWith(key)) continue;
    if (!isDirectory) {
      if (key > startAfter) yield key;
      // A directory all of whose keys come before `startAfter` is not opened.
    } else if (key > startAfter || startAfter.startsWith(key)) {
      yield* below(root, key, prefix, startAfter);
    }
  }
}

/** What lies in a directory, in the order of keys; nothing where it is absent. */
export async function entriesOf(directory: string): Promise<Entry[]> {
  try {
    const entries = await readdir(directory, { withFileTypes: true });
    return entries
      .filter((entry) => !entry.name.startsWith('.') && (entry.isFile() || entry.isDirectory()))
      .map((entry) => ({
        name: entry.isDirectory() ? `${entry.name}/` : entry.name,
        isDirectory: entry.isDirectory(),
      }))
      .sort((a, b) => (a.name < b.name ? -1 : 1));
  } catch (error) {
    if (isAbsent(error)) return [];
    throw error;
  }
}
