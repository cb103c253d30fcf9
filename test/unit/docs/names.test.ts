import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Registry } from 'prom-client';
import { describe, expect, test } from 'vitest';
import { loadConfiguration } from '../../../src/config/load.ts';
import { allSections, allSettings } from '../../../src/config/settings.ts';
import { createMetrics } from '../../../src/http/metrics.ts';
import { pages, ROOT } from './pages.ts';

const registry = new Registry();
createMetrics(registry);
const settings = new Set<string>([...allSettings(), ...allSections()].map(({ path }) => path));
const metrics = new Set(registry.getMetricsAsArray().map(({ name }) => name));

/** All of the source, to look for words that only a person would type again. */
const source = readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' })
  .filter((name) => /\.(?:ts|pl)$/.test(name))
  .map((name) => readFileSync(join(ROOT, 'src', name), 'utf8'))
  .join('\n');

const quoted = (word: string): boolean => source.includes(`'${word}'`);

/** `guard.killed` and `guard.stuck` are made of the guard's message. */
const isEvent = (name: string): boolean => quoted(name) || /^guard\.(?:killed|stuck)$/.test(name);

describe.each(pages())('$path', ({ text }) => {
  test('names only metrics that exist', () => {
    const named = [...text.matchAll(/\b((?:pgwarden|process|nodejs)_[a-z_]+)\b(?!-)/g)].map(
      ([, name = '']) => name,
    );
    // What begins so is named by a query of the user's.
    const own = named.filter((name) => !name.startsWith('pgwarden_sql_'));
    const unknown = own.filter((name) => !metrics.has(name) && !quoted(name));
    expect(unknown).toEqual([]);
  });

  test('names only settings that exist', () => {
    const named = [
      ...text.matchAll(
        /`((?:ha|http|postgres|cluster|slots|shutdown|log|tags|advertise|kubernetes)\.[A-Za-z.]+)`/g,
      ),
    ].map(([, name = '']) => name);
    expect(named.filter((name) => !settings.has(name) && !isEvent(name))).toEqual([]);
  });
});

test('operations.md names only codes and events that the source has', () => {
  const text = pages().find(({ path }) => path === 'docs/operations.md')?.text ?? '';
  const codes = [...text.matchAll(/`([A-Z]+(?:_[A-Z]+)+)`/g)].map(([, code = '']) => code);
  // TASK_…: made of the kind of the task.
  expect(codes.filter((code) => !code.startsWith('TASK_') && !quoted(code))).toEqual([]);
  const log = text.slice(text.indexOf('## Reading the log'), text.indexOf('## What to alert on'));
  const firstCells = [...log.matchAll(/^\| (`[^|]+`) \|/gm)].map(([, cell = '']) => cell);
  const events = firstCells.flatMap((cell) =>
    [...cell.matchAll(/`([^`]+)`/g)].map(([, event = '']) => event),
  );
  expect(events.length).toBeGreaterThan(20);
  expect(events.filter((event) => !isEvent(event))).toEqual([]);
});

test('the configuration in the README is one that is accepted', async () => {
  const readme = pages().find(({ path }) => path === 'README.md')?.text ?? '';
  const yaml = /^```yaml\n([\s\S]*?)^```$/m.exec(readme)?.[1] ?? '';
  const directory = mkdtempSync(join(tmpdir(), 'pgwarden-readme-'));
  try {
    const file = join(directory, 'pgwarden.yaml');
    writeFileSync(file, yaml);
    const { configuration } = await loadConfiguration({ file, flags: ['cluster.memberName=pg-0'] });
    expect(configuration.http.tokenFile).not.toBeNull();
  } finally {
    rmSync(directory, { recursive: true });
  }
});
