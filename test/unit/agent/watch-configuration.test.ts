import { mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { SettledChange } from '../../../src/agent/watch-configuration.ts';

describe('a change of the configuration file', () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'pgwarden-watch-'));
  });
  afterEach(() => rm(directory, { recursive: true, force: true }));

  test('is told once, when the content has come to rest', async () => {
    const path = join(directory, 'pgwarden.yaml');
    await writeFile(path, 'a');
    const change = new SettledChange(path);
    expect([await change.look(), await change.look(), await change.look()]).toEqual([false, true, false]);
    await writeFile(path, 'half of ');
    expect(await change.look()).toBe(false);
    await writeFile(path, 'half of it');
    expect([await change.look(), await change.look(), await change.look()]).toEqual([false, true, false]);
  });

  test('is seen through the link that Kubernetes exchanges', async () => {
    for (const [name, text] of [
      ['1', 'old'],
      ['2', 'new'],
    ] as const) {
      await writeFile(join(directory, name), text);
    }
    await symlink('1', join(directory, '..data'));
    await symlink('..data', join(directory, 'pgwarden.yaml'));
    const change = new SettledChange(join(directory, 'pgwarden.yaml'));
    await change.look();
    await change.look();
    await symlink('2', join(directory, '..data_tmp'));
    await rename(join(directory, '..data_tmp'), join(directory, '..data'));
    expect([await change.look(), await change.look()]).toEqual([false, true]);
  });

  test('is none where the file is away for a moment', async () => {
    const path = join(directory, 'pgwarden.yaml');
    await writeFile(path, 'a');
    const change = new SettledChange(path);
    await change.look();
    await change.look();
    await rm(path);
    expect(await change.look()).toBe(false);
    await writeFile(path, 'a');
    expect([await change.look(), await change.look()]).toEqual([false, false]);
  });
});
