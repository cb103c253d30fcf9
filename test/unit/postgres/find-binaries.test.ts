import { chmod, mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { findBinaries } from '../../../src/postgres/find-binaries.ts';

const PROGRAMS = ['initdb', 'pg_basebackup', 'pg_controldata', 'pg_rewind', 'pg_waldump'];
let root = '';

async function install(major: number): Promise<string> {
  const directory = join(root, String(major));
  await mkdir(directory);
  for (const program of [...PROGRAMS, 'postgres']) {
    await writeFile(join(directory, program), `#!/bin/sh\necho "${program} (PostgreSQL) ${major}.1"\n`);
    await chmod(join(directory, program), 0o755);
  }
  return directory;
}

beforeAll(async () => {
  root = await realpath(await mkdtemp(join(tmpdir(), 'pgwarden-binaries-')));
  for (const major of [13, 16, 18]) await install(major);
});
afterAll(() => rm(root, { recursive: true, force: true }));

const of = (major: number): string => join(root, String(major));

it('a directory that is named is used, whatever else there is', async () => {
  const environment = { PGBIN: of(18), PATH: of(18) };
  expect(await findBinaries(of(16), environment)).toMatchObject({ directory: of(16), major: 16 });
});

it('PGBIN is used, and not a newer one of PATH', async () => {
  expect(await findBinaries(null, { PGBIN: of(16), PATH: of(18) })).toMatchObject({ major: 16 });
});

it('a wrong PGBIN is told, and nothing else used', async () => {
  const nowhere = findBinaries(null, { PGBIN: join(root, 'nowhere'), PATH: of(18) });
  await expect(nowhere).rejects.toMatchObject({ code: 'NO_POSTGRES' });
  const old = findBinaries(null, { PGBIN: of(13), PATH: of(18) });
  await expect(old).rejects.toMatchObject({ code: 'POSTGRES_UNSUPPORTED' });
});

it('without it the newest of PATH is', async () => {
  expect(await findBinaries(null, { PATH: `${of(16)}:${of(18)}:${of(13)}` })).toMatchObject({ major: 18 });
});
