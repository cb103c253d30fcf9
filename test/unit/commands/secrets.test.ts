import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { registerSecrets } from '../../../src/commands/secrets.ts';

interface Secret {
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly stringData: Readonly<Record<string, string>>;
}

async function parse(...args: readonly string[]): Promise<void> {
  const program = new Command().exitOverride();
  registerSecrets(program);
  await program.parseAsync(['secrets', ...args], { from: 'user' });
}

async function printed(...args: readonly string[]): Promise<readonly Secret[]> {
  let text = '';
  vi.spyOn(process.stdout, 'write').mockImplementation((chunk) => {
    text += String(chunk);
    return true;
  });
  await parse('-o', 'json', ...args);
  return (JSON.parse(text) as { items: readonly Secret[] }).items;
}

describe('pgwarden secrets', () => {
  afterEach(() => vi.restoreAllMocks());

  test('the members and the application are given the same word for the application', async () => {
    const [members, application] = await printed();
    expect(members?.metadata.name).toBe('pg-secrets');
    expect(Object.keys(members?.stringData ?? {})).toEqual([
      'superuser',
      'replication',
      'application',
      'token',
    ]);
    expect(application?.stringData.password).toBe(members?.stringData.application);
    expect(application?.stringData.uri).toBe(
      `postgresql://app:${application?.stringData.password}@pg-rw:5432/app`,
    );
  });

  test('no word is given twice', async () => {
    const words = [...(await printed()), ...(await printed())].flatMap(({ metadata, stringData }) =>
      metadata.name === 'pg-secrets' ? Object.values(stringData) : [],
    );
    expect(new Set(words).size).toBe(8);
    for (const word of words) expect(word).toMatch(/^[\w-]{32}$/);
  });

  test('name and namespace are taken over', async () => {
    const names = (await printed('--name', 'orders', '-n', 'shop')).map(({ metadata }) => metadata);
    expect(names).toMatchObject([
      { name: 'orders-secrets', namespace: 'shop' },
      { name: 'orders-app', namespace: 'shop' },
    ]);
  });

  test('files that are there stay as they are', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'pgwarden-secrets-'));
    try {
      await writeFile(join(directory, 'token'), 'mine');
      await parse('--directory', directory);
      expect(await readFile(join(directory, 'token'), 'utf8')).toBe('mine');
      const first = await readFile(join(directory, 'replication'), 'utf8');
      await parse('--directory', directory);
      expect(await readFile(join(directory, 'replication'), 'utf8')).toBe(first);
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  });

  test('a name that Kubernetes would refuse is refused at once', async () => {
    await expect(printed('--name', 'Orders_1')).rejects.toThrow('"Orders_1" is no name of Kubernetes');
  });
});
