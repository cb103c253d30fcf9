import { aptInstall, installer } from './debian.mjs';
import { say } from './run.mjs';
import { find } from './search-path.mjs';

/**
 * The full path of promtool, which tests the alerts; where it is missing, Debian's package is installed.
 * @throws SetupError that names what is missing, where it cannot be installed.
 */
export async function ensurePromtool() {
  if (find('promtool') === null) {
    const prefix = installer('the tests of the alerts need promtool, not found here', ['prometheus']);
    say('tools', 'installing prometheus, whose promtool tests the alerts');
    await aptInstall(prefix, ['prometheus']);
  }
  return find('promtool') ?? 'promtool';
}
