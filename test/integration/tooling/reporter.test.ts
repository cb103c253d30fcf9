import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const reporter = join(root, 'test/reporter.ts');

const SUITE = `
import { beforeAll, describe, expect, it } from 'vitest';
it('passes', () => {});
it('fails', () => expect(1).toBe(2));
it('is skipped with a reason', ({ skip }) => skip('no API server: set KUBEBUILDER_ASSETS'));
it.skip('is skipped without one', () => {});
describe('a broken hook', () => {
  beforeAll(() => { throw new Error('no server'); });
  it('never runs', () => {});
});
`;

let directory: string;
beforeAll(async () => {
  // Inside the clone: the suite imports vitest.
  await mkdir(join(root, 'node_modules/.cache'), { recursive: true });
  directory = await mkdtemp(join(root, 'node_modules/.cache/reporter-'));
  await writeFile(
    join(directory, 'vitest.config.mjs'),
    'export default { test: { include: ["*.suite.ts"] } };',
  );
  await writeFile(join(directory, 'a.suite.ts'), SUITE);
});
afterAll(() => rm(directory, { recursive: true, force: true }));

function runSuite(environment: Record<string, string>, ...files: string[]) {
  const program = join(root, 'node_modules/vitest/vitest.mjs');
  return execa(process.execPath, [program, 'run', '--root', directory, '--reporter', reporter, ...files], {
    reject: false,
    all: true,
    env: { PGWARDEN_TEST_TALLY: undefined, ...environment },
  });
}

describe('the reporter', () => {
  it('closes with the counts, says why tests were skipped, and takes a broken hook for a failure', async () => {
    const { exitCode, all } = await runSuite({});
    expect(exitCode).toBe(1);
    expect(all?.trimEnd().split('\n').at(-1)).toMatch(/^1 passed, [2-9] failed, [2-3] skipped$/);
    expect(all).toContain('skipped (no API server: set KUBEBUILDER_ASSETS):\n  is skipped with a reason\n');
    expect(all).toContain('skipped (no reason given):\n  is skipped without one\n');
  });

  it('leaves the counts in a file where npm test asks for them, and closes nothing', async () => {
    const file = join(directory, 'tally.json');
    const { all } = await runSuite({ PGWARDEN_TEST_TALLY: file });
    expect(JSON.parse(await readFile(file, 'utf8'))).toMatchObject({ passed: 1 });
    expect(all).not.toMatch(/^\d+ passed, \d+ failed/m);
  });

  it('counts a file that cannot be loaded as a failure', async () => {
    await writeFile(join(directory, 'b.suite.ts'), "import 'no-such-package';");
    const { exitCode, all } = await runSuite({}, 'b.suite.ts');
    expect(exitCode).toBe(1);
    expect(all?.trimEnd().split('\n').at(-1)).toBe('0 passed, 1 failed');
  });
});
