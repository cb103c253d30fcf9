import { runSuite } from '../scripts/test/run-suite.mjs';
import { closingLine, sum } from '../scripts/test/tally.mjs';
import { NoOtherPostgresError, type OtherMajor, otherPostgres } from './other-postgres.ts';

const MAJORS: readonly OtherMajor[] = [18, 16];
/** The integration tests that start a Postgres; the others would only do the same again. */
const TESTS = ['agent', 'archive', 'postgres', 'restore'].map((folder) => `test/integration/${folder}/`);

/**
 * Runs the integration tests on the Postgres of another major.
 * @param forVitest files and options instead of all those tests
 */
async function runOn(major: OtherMajor, forVitest: readonly string[]) {
  process.stdout.write(`\nintegration tests on Postgres ${major}\n`);
  try {
    const directory = await otherPostgres(major);
    return await runSuite('integration', forVitest.length > 0 ? forVitest : TESTS, { PGBIN: directory });
  } catch (error) {
    if (!(error instanceof NoOtherPostgresError)) throw error;
    process.stdout.write(`${error.message}\n${error.remedy}\n`);
    return { passed: 0, failed: 1, skipped: 0 };
  }
}

const tallies = [];
for (const major of MAJORS) tallies.push(await runOn(major, process.argv.slice(2)));
const total = sum(tallies);
process.stdout.write(`\n${closingLine(total)}\n`);
process.exitCode = total.failed === 0 && total.passed > 0 ? 0 : 1;
