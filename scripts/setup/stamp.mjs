import { createHash } from 'node:crypto';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';

/** A hash of the bytes of these files, in this order, with their names. */
export function hashFiles(files) {
  const hash = createHash('sha256');
  for (const file of files) hash.update(file).update('\0').update(readFileSync(file)).update('\0');
  return hash.digest('hex');
}

/** Whether the stamp says that the work for `value` was done to its end. */
export function isStamped(file, value) {
  try {
    return readFileSync(file, 'utf8') === value;
  } catch {
    return false;
  }
}

/** Leaves the mark. Written aside and renamed: an interrupted write leaves none. */
export function stamp(file, value) {
  writeFileSync(`${file}.new`, value);
  renameSync(`${file}.new`, file);
}
