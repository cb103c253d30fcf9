import { aptInstall, installer } from './debian.mjs';
import { say } from './run.mjs';
import { find } from './search-path.mjs';

/** What the agent needs besides Postgres; both packages are essential on Debian, so rarely missing. */
const TOOLS = { flock: 'util-linux', perl: 'perl-base' };

export async function ensureTools() {
  const missing = Object.keys(TOOLS).filter((tool) => find(tool) === null);
  if (missing.length === 0) return;
  const packages = missing.map((tool) => TOOLS[tool]);
  const prefix = installer(`${missing.join(' and ')} not found in PATH`, packages);
  say('tools', `installing ${packages.join(' and ')}`);
  await aptInstall(prefix, packages);
}
