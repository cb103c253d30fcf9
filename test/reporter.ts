import { writeFileSync } from 'node:fs';
import type { Reporter, TestCase, TestModule, TestSuite } from 'vitest/node';
import { closingLine, type Tally } from '../scripts/test/tally.mjs';

/**
 * Counts tests and says why some were skipped. The counts go into the file that PGWARDEN_TEST_TALLY names (for
 * `npm test`, which adds its own checks and closes), or are printed as the closing line.
 */
export default class TallyReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], errors: readonly unknown[]): void {
    const tally: Tally = { passed: 0, failed: 0, skipped: 0 };
    const reasons = new Map<string, string[]>();
    for (const module of modules) {
      // A module that could not be loaded, or a hook that failed, has no test to count.
      tally.failed += module.errors().length + failedSuites(module);
      for (const test of module.children.allTests()) count(test, tally, reasons);
    }
    tally.failed += errors.length;
    printReasons(reasons);
    const file = process.env.PGWARDEN_TEST_TALLY;
    if (file === undefined) process.stdout.write(`\n${closingLine(tally)}\n`);
    else writeFileSync(file, JSON.stringify(tally));
  }
}

function count(test: TestCase, tally: Tally, reasons: Map<string, string[]>): void {
  const result = test.result();
  switch (result.state) {
    case 'passed':
      tally.passed++;
      return;
    case 'failed':
      tally.failed++;
      return;
    case 'skipped': {
      tally.skipped++;
      const reason = result.note ?? 'no reason given';
      reasons.set(reason, [...(reasons.get(reason) ?? []), test.fullName]);
      return;
    }
    case 'pending':
      // The run ended before it: that is no success.
      tally.failed++;
  }
}

function failedSuites(module: TestModule): number {
  let failed = 0;
  for (const suite of module.children.allSuites() as Iterable<TestSuite>) failed += suite.errors().length;
  return failed;
}

function printReasons(reasons: ReadonlyMap<string, readonly string[]>): void {
  for (const [reason, tests] of reasons) {
    process.stdout.write(`\nskipped (${reason}):\n${tests.map((name) => `  ${name}\n`).join('')}`);
  }
}
