import { ArchiveSettingsError } from '../errors.ts';

/** S3's limit is 1024 bytes with the prefix; this leaves room for one. */
const LONGEST = 800;
const PART = /^[A-Za-z0-9_=+@:,][A-Za-z0-9_.=+@:,-]*$/;

/**
 * Refuses a key that would mean one thing to a bucket and another to a directory (`..`, a hidden name, an empty part).
 *
 * @throws ArchiveSettingsError
 */
export function checkKey(key: string): string {
  if (key.length <= LONGEST && key.split('/').every((part) => PART.test(part))) return key;
  throw new ArchiveSettingsError(
    `${JSON.stringify(key)} cannot be the key of an object`,
    'Letters, digits and -_.=+@:, with / between parts, none of which begins with a dot.',
  );
}
