import { existsSync } from 'node:fs';
import { aptInstall, installer } from './debian.mjs';
import { say } from './run.mjs';
import { SetupError } from './setup-error.mjs';

/**
 * Installs these Debian packages (file that each brings: package) where they are missing and that is possible.
 * Null, or why what needs them cannot be run here.
 */
export async function ensurePackages(files) {
  const missing = Object.entries(files)
    .filter(([file]) => !existsSync(file))
    .map(([, name]) => name);
  if (missing.length === 0) return null;
  try {
    const prefix = installer(`${missing.join(' and ')} not installed`, missing);
    say('tools', `installing ${missing.join(' and ')}, for the tests of poolers and clients`);
    await aptInstall(prefix, missing);
    return null;
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    return error.message;
  }
}
