// Runs suites one after the other and closes with one line, `N passed, N failed`:
//   node scripts/test.mjs [checks] [unit] [integration] [e2e] [poolers] [compose] [kubernetes] [arguments for vitest]
// Each check (types, lint, reference) counts as one test. A suite goes on where another has failed.
import { ensureModelTools } from './setup/model-tools.mjs';
import { bin } from './setup/paths.mjs';
import { SetupError } from './setup/setup-error.mjs';
import { whyNoCompose } from './test/compose-here.mjs';
import { whyNoKubernetes } from './test/kubernetes-here.mjs';
import { run, runSuite } from './test/run-suite.mjs';
import { closingLine, sum } from './test/tally.mjs';

const BUNDLE = ['bundle', `${bin}/node`, 'scripts/setup.mjs'];
const CHECKS = [
  ['types', `${bin}/tsc`, '--noEmit'],
  ['lint', `${bin}/biome`, 'check', '.'],
  ['configuration reference', `${bin}/node`, 'scripts/reference.ts', '--check'],
];
const SUITES = ['unit', 'integration', 'e2e', 'poolers', 'compose', 'kubernetes'];
/** Suites that not every machine can run: why this one cannot, or null. */
const WHY_NOT = { compose: whyNoCompose, kubernetes: whyNoKubernetes };

const words = process.argv.slice(2);
const firstOther = words.findIndex((word) => word !== 'checks' && !SUITES.includes(word));
const names = new Set(firstOther < 0 ? words : words.slice(0, firstOther));
// With a filter there may be suites that it leaves nothing of.
const forVitest = firstOther < 0 ? [] : [...words.slice(firstOther), '--passWithNoTests'];

const tallies = [];
// These start the bundled program.
if (['integration', 'e2e', 'poolers', 'kubernetes'].some((name) => names.has(name)))
  tallies.push(await runChecks([BUNDLE]));
if (names.has('integration')) await getModelTools();
for (const name of names) tallies.push(await (name === 'checks' ? runChecks(CHECKS) : runSuiteHere(name)));
const total = sum(tallies);
process.stdout.write(`\n${closingLine(total)}\n`);
process.exitCode = total.failed === 0 && total.passed > 0 ? 0 : 1;

/** Where they cannot be had, the tests of the models fail and say so; all others run. */
async function getModelTools() {
  try {
    await ensureModelTools();
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    process.stderr.write(`${error.message}\n${error.remedy}\n`);
  }
}

async function runChecks(checks) {
  const tally = { passed: 0, failed: 0, skipped: 0 };
  for (const [name, command, ...args] of checks) {
    const code = await run(command, args);
    process.stdout.write(`${name}: ${code === 0 ? 'ok' : `FAILED (exit code ${code})`}\n`);
    if (code === 0) tally.passed++;
    else tally.failed++;
  }
  return tally;
}

async function runSuiteHere(name) {
  process.stdout.write(`\n${name} tests\n`);
  const whyNot = WHY_NOT[name]?.() ?? null;
  if (whyNot === null) return await runSuite(name, forVitest);
  process.stdout.write(`skipped: ${whyNot}\n`);
  return { passed: 0, failed: 0, skipped: 1 };
}
