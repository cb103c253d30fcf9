import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { ensurePromtool } from '../../../scripts/setup/prometheus-tools.mjs';
import { type AlertCase, CASES, promtoolTests } from './alert-cases.ts';

const MONITORING = join(import.meta.dirname, '..', '..', '..', 'manifests', 'components', 'monitoring');
const RULES = join(MONITORING, 'plain', 'rules.yaml');

interface Rules {
  readonly groups: readonly { readonly rules: readonly { readonly alert: string }[] }[];
}

describe('the alerts', () => {
  let promtool: string;
  let directory: string;
  beforeAll(async () => {
    promtool = await ensurePromtool();
    directory = await mkdtemp(join(tmpdir(), 'pgwarden-alerts-'));
  });
  afterAll(() => rm(directory, { recursive: true, force: true }));

  async function run(
    cases: readonly AlertCase[],
  ): Promise<{ readonly passed: boolean; readonly said: string }> {
    const file = join(directory, 'alerts.yaml');
    await writeFile(file, stringify(promtoolTests(RULES, cases)));
    const { all, exitCode } = await execa(promtool, ['test', 'rules', file], { all: true, reject: false });
    return { passed: exitCode === 0, said: all };
  }

  test('fire where something is wrong, and no other does', async () => {
    const { passed, said } = await run(CASES);
    expect(passed, said).toBe(true);
  });

  test('are told apart by the cases: with another alert than the one that fires a case fails', async () => {
    const wrong = CASES.filter(({ fires }) => fires.includes('PgWardenCommitsWait')).map((each) => ({
      ...each,
      fires: ['PgWardenNoPrimary'],
    }));
    const { passed, said } = await run(wrong);
    expect(passed).toBe(false);
    expect(said).toContain('got: {alertname="PgWardenCommitsWait"}');
  });

  test('have each a case in which they fire', async () => {
    const { groups } = parse(await readFile(RULES, 'utf8')) as Rules;
    const fired = new Set(CASES.flatMap(({ fires }) => fires));
    expect(
      groups.flatMap(({ rules }) => rules.map(({ alert }) => alert)).filter((name) => !fired.has(name)),
    ).toEqual([]);
  });

  test('are the same for the Prometheus operator and for a Prometheus without it', async () => {
    const { spec } = parse(await readFile(join(MONITORING, 'prometheus-rule.yaml'), 'utf8')) as {
      spec: Rules;
    };
    expect(spec).toEqual(parse(await readFile(RULES, 'utf8')));
  });
});
