import { accessSync, constants } from 'node:fs';

/** The directories of PATH, and those of Debian's server programs that PATH may lack for some users. */
export function searchPath() {
  const own = (process.env.PATH ?? '').split(':').filter((directory) => directory.startsWith('/'));
  return [...own, '/usr/sbin', '/sbin'];
}

/** The full path of a program, or null. */
export function find(program, directories = searchPath()) {
  for (const directory of directories) {
    const file = `${directory}/${program}`;
    if (isExecutable(file)) return file;
  }
  return null;
}

export function isExecutable(file) {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
