import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const ROOT = join(import.meta.dirname, '..', '..', '..');
const page = readFileSync(join(ROOT, 'docs', 'kubernetes.md'), 'utf8');

/** The names in the first column of the tables, in backticks. */
const named = [...page.matchAll(/^\| (`[^|]+) \|/gm)].flatMap(([, cell]) =>
  [...(cell ?? '').matchAll(/`([a-z0-9-]+)`/g)].map(([, name]) => name),
);

const pages = readdirSync(join(ROOT, 'docs'))
  .filter((file) => file.endsWith('.md'))
  .map((file) => readFileSync(join(ROOT, 'docs', file), 'utf8'))
  .join('\n');

test.each(['overlays', 'components'])('a page names each of manifests/%s', (kind) => {
  const silent = readdirSync(join(ROOT, 'manifests', kind)).filter(
    (name) => !pages.includes(`\`${name}\``) && !pages.includes(`${kind}/${name}`),
  );
  expect(silent).toEqual([]);
});

test('docs/kubernetes.md tells what each end-to-end test on nodes shows', () => {
  const files = readdirSync(join(ROOT, 'test', 'e2e', 'kubernetes')).filter((file) =>
    file.endsWith('.test.ts'),
  );
  expect(named).toEqual(expect.arrayContaining(files.map((file) => file.replace('.test.ts', ''))));
});

test('every name in a table of docs/kubernetes.md is there', () => {
  const there = ['overlays', 'components'].flatMap((kind) => readdirSync(join(ROOT, 'manifests', kind)));
  const shown = readdirSync(join(ROOT, 'test', 'e2e', 'kubernetes')).map((file) =>
    file.replace('.test.ts', ''),
  );
  expect(named.filter((name) => !there.includes(name ?? '') && !shown.includes(name ?? ''))).toEqual([]);
});
