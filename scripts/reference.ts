// Writes docs/configuration.md out of the schema; with --check only compares (part of npm test).
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { ReferenceOutdatedError } from '../src/config/errors.ts';
import { REFERENCE_COMMAND, referencePage } from '../src/config/reference.ts';

const FILE = 'docs/configuration.md';
const location = new URL(`../${FILE}`, import.meta.url);
const page = referencePage();

if (!process.argv.includes('--check')) {
  await mkdir(new URL('.', location), { recursive: true });
  await writeFile(location, page);
} else if ((await readFile(location, 'utf8').catch(() => '')) !== page) {
  const error = new ReferenceOutdatedError(FILE, REFERENCE_COMMAND);
  process.stderr.write(`${error.message}\n${error.remedy}\n`);
  process.exitCode = 1;
}
