import { existsSync } from 'node:fs';
import { aptInstall, installer } from './debian.mjs';
import { say } from './run.mjs';
import { find } from './search-path.mjs';
import { SetupError } from './setup-error.mjs';

/** What scenarios of test:faults need: network namespaces, small disks, a clock that jumps. */
const TOOLS = { ip: 'iproute2', tc: 'iproute2', 'mkfs.ext4': 'e2fsprogs', fsfreeze: 'util-linux' };

/** Where Debian's package has the library, which is preloaded: the program alone would not do. */
const hasFakeTime = () =>
  ['x86_64-linux-gnu', 'aarch64-linux-gnu'].some((architecture) =>
    existsSync(`/usr/lib/${architecture}/faketime/libfaketime.so.1`),
  );

/** Never stops the command: a scenario that cannot be run here is left out by name. */
export async function ensureFaultTools() {
  const missing = Object.keys(TOOLS).filter((tool) => find(tool) === null);
  const packages = [...new Set(missing.map((tool) => TOOLS[tool]))];
  if (!hasFakeTime()) packages.push('faketime');
  if (packages.length === 0) return;
  try {
    const prefix = installer(`${packages.join(' and ')} not installed`, packages);
    say('tools', `installing ${packages.join(' and ')}, for some of the faults`);
    await aptInstall(prefix, packages);
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    say('tools', `${error.message}: the faults that need it are left out`);
  }
}
