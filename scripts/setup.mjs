// Prepares a clone so that the next step can run: dependencies, a Postgres server, dist/. It runs on any Node >= 18
// (a fresh machine has no other yet) and does only what is missing: every step leaves its mark last, so that one
// that was interrupted is simply done again.
import { ensureBuild } from './setup/build-step.mjs';
import { ensureDependencies } from './setup/dependencies.mjs';
import { ensureFaultTools } from './setup/fault-tools.mjs';
import { ensurePostgres } from './setup/postgres.mjs';
import { handleSignals } from './setup/run.mjs';
import { SetupError } from './setup/setup-error.mjs';
import { ensureTools } from './setup/tools.mjs';

const LEAST_NODE = 18;

handleSignals();

try {
  if (Number(process.versions.node.split('.')[0]) < LEAST_NODE) {
    throw new SetupError(
      `this is Node ${process.versions.node}, and npm packages of this project need at least ${LEAST_NODE} to be installed`,
      'Install Node 18 or later (Debian: apt-get install nodejs npm); Node 24 itself comes with the dependencies.',
    );
  }
  await ensureDependencies();
  await ensureTools();
  await ensurePostgres();
  if (process.argv.includes('--faults')) await ensureFaultTools();
  if (!process.argv.includes('--no-build')) await ensureBuild();
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  process.stderr.write(`\nset-up stopped: ${error.message}\n${error.remedy}\n`);
  process.exitCode = 1;
}
