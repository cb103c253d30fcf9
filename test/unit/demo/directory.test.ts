import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { loadConfiguration } from '../../../src/config/load.ts';
import { createDemo, hasDemo } from '../../../src/demo/create.ts';
import { deleteDemo } from '../../../src/demo/delete.ts';
import { layoutOf } from '../../../src/demo/layout.ts';
import { type Manifest, readManifest, writeManifest } from '../../../src/demo/manifest.ts';
import { memberConfig } from '../../../src/demo/member-config.ts';
import { obtainDemo } from '../../../src/demo/obtain.ts';
import { demoMember, demoOf, openDemo } from '../../../src/demo/state.ts';

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'pgw-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const manifest: Manifest = {
  format: 1,
  version: '0.1.0',
  stage: 'created',
  createdAt: '2026-01-01T00:00:00Z',
  cluster: 'pg',
  namespace: 'default',
  host: '127.0.0.1',
  apiPort: 20004,
  members: [
    { name: 'pg-0', port: 20000, httpPort: 20002 },
    { name: 'pg-1', port: 20001, httpPort: 20003 },
  ],
};

const codeOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => 'no error',
    (error: { code?: unknown }) => error.code,
  );

test('what is written is read again', async () => {
  await writeManifest(layoutOf(dir), manifest);
  expect(await readManifest(layoutOf(dir))).toEqual(manifest);
  expect((await openDemo(dir)).members[1]?.dataDirectory).toBe(join(dir, 'members/pg-1/data'));
  expect(await hasDemo(dir)).toBe(true);
});

test('a directory without a demo is told as such, and so is one that is missing', async () => {
  expect(await codeOf(openDemo(dir))).toBe('NO_DEMO');
  expect(await codeOf(openDemo(join(dir, 'absent')))).toBe('NO_DEMO');
  expect(await hasDemo(dir)).toBe(false);
});

test('a half-made demo is not opened', async () => {
  await writeManifest(layoutOf(dir), { ...manifest, stage: 'creating' });
  expect(await codeOf(openDemo(dir))).toBe('HALF_MADE');
});

test('a demo of another layout is not opened', async () => {
  await writeFile(join(dir, 'demo.json'), JSON.stringify({ format: 7, version: '9.0.0', secret: true }));
  expect(await codeOf(openDemo(dir))).toBe('OTHER_VERSION');
});

test('a damaged demo.json is told with what is wrong', async () => {
  await writeFile(join(dir, 'demo.json'), '{"format": 1, "version": "x"}');
  expect(await codeOf(openDemo(dir))).toBe('BROKEN_MANIFEST');
  await writeFile(join(dir, 'demo.json'), '{');
  expect(await codeOf(openDemo(dir))).toBe('BROKEN_MANIFEST');
});

test("a directory with other people's files is not made a demo, and nothing in it changes", async () => {
  await writeFile(join(dir, 'thesis.tex'), 'x');
  expect(await codeOf(createDemo({ dir, members: 3, portBase: null }))).toBe('FOREIGN_DIRECTORY');
  expect(await readdir(dir)).toEqual(['thesis.tex']);
});

test('a directory that is too long for sockets is refused before it is made', async () => {
  const long = join(dir, 'd'.repeat(100));
  expect(await codeOf(createDemo({ dir: long, members: 3, portBase: null }))).toBe('DIRECTORY_TOO_LONG');
  expect(await readdir(dir)).toEqual([]);
});

test('rm refuses what is no demo', async () => {
  await writeFile(join(dir, 'thesis.tex'), 'x');
  expect(await codeOf(deleteDemo(dir, true))).toBe('NO_DEMO');
  expect(await readdir(dir)).toEqual(['thesis.tex']);
});

test('rm deletes what the demo made and keeps the rest', async () => {
  await writeManifest(layoutOf(dir), { ...manifest, stage: 'creating' });
  await mkdir(join(dir, 'members', 'pg-0'), { recursive: true });
  await writeFile(join(dir, 'notes.txt'), 'x');
  expect(await deleteDemo(dir, false)).toEqual(['notes.txt']);
  expect(await readdir(dir)).toEqual(['notes.txt']);
});

test('rm deletes the directory where nothing else is in it', async () => {
  const own = join(dir, 'demo');
  await mkdir(own);
  await writeManifest(layoutOf(own), manifest);
  expect(await deleteDemo(own, false)).toEqual([]);
  expect(await readdir(dir)).toEqual([]);
});

test('options that do not fit the demo that is there are refused', async () => {
  await writeManifest(layoutOf(dir), manifest);
  expect(await codeOf(obtainDemo({ dir, members: 3, portBase: null, archives: true }))).toBe('OTHER_SHAPE');
  expect(await codeOf(obtainDemo({ dir, members: null, portBase: 21000, archives: true }))).toBe(
    'OTHER_SHAPE',
  );
  expect((await obtainDemo({ dir, members: 2, portBase: 20000, archives: true })).members).toHaveLength(2);
  expect((await obtainDemo({ dir, members: 2, portBase: 20000, archives: false })).members).toHaveLength(2);
  await mkdir(layoutOf(dir).archive);
  expect(await codeOf(obtainDemo({ dir, members: null, portBase: null, archives: false }))).toBe(
    'OTHER_SHAPE',
  );
});

test('an unknown member is told with those that there are', () => {
  expect(() => demoMember(demoOf(layoutOf(dir), manifest), 'pg-5')).toThrow('no member pg-5');
});

test("a member's configuration is valid for the agent, and holds no secret", async () => {
  const layout = layoutOf(dir);
  const demo = demoOf(layout, manifest);
  const member = demoMember(demo, 'pg-1');
  const file = join(dir, 'pg-1.yaml');
  await writeFile(file, memberConfig(layout, manifest, member, true));
  const { configuration } = await loadConfiguration({ file, environment: {} });
  expect(configuration).toMatchObject({
    cluster: { name: 'pg', memberName: 'pg-1', members: 2 },
    postgres: { port: 20001 },
    http: { port: 20003 },
    kubernetes: { server: 'http://127.0.0.1:20004' },
    archive: { url: `file://${layout.archive}` },
  });
  await writeFile(file, memberConfig(layout, manifest, member, false));
  expect((await loadConfiguration({ file, environment: {} })).configuration.archive.url).toBeNull();
});
