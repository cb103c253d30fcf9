import { spawnSync } from 'node:child_process';
import { aptInstall, installer } from './debian.mjs';
import { say } from './run.mjs';
import { find } from './search-path.mjs';
import { SetupError } from './setup-error.mjs';

/** What checks the models: spin makes a C program of one, with gcc as its preprocessor, and that is compiled. */
const TOOLS = { spin: 'spin', gcc: 'gcc', cc: 'gcc' };
const HEADERS = 'libc6-dev';

/**
 * Finds spin and a C compiler, or installs Debian's. Only the models need them: neither the demo nor the agent does.
 * @throws SetupError that names what is missing, where it cannot be installed.
 */
export async function ensureModelTools() {
  const lacking = missing();
  if (lacking.length === 0) return;
  const packages = [...new Set(lacking.map(({ package: name }) => name))];
  const prefix = installer(`the models need ${names(lacking)}, not found here`, packages);
  say('model', `installing ${packages.join(' and ')} (apt-get update, apt-get install)`);
  await aptInstall(prefix, packages);
  const left = missing();
  if (left.length > 0) {
    throw new SetupError(
      `Debian's packages ${packages.join(' and ')} brought no ${names(left)}`,
      'Install what is missing, and see that it is in PATH.',
    );
  }
  say('model', `installed ${packages.join(' and ')}`);
}

function missing() {
  const tools = Object.entries(TOOLS)
    .filter(([tool]) => find(tool) === null)
    .map(([tool, name]) => ({ name: tool, package: name }));
  const canCompile = tools.every(({ name }) => name !== 'cc');
  return canCompile && compiles() ? tools : [...tools, { name: "the C library's headers", package: HEADERS }];
}

/** A compiler alone is not enough: Debian has the headers of the C library in a package of their own. */
function compiles() {
  const input = '#include <stdio.h>\nint main(void) { return puts("") < 0; }\n';
  return spawnSync('cc', ['-fsyntax-only', '-x', 'c', '-'], { input, stdio: 'pipe' }).status === 0;
}

function names(tools) {
  return tools.map(({ name }) => name).join(', ');
}
