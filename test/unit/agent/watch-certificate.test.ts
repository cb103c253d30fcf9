import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { watchCertificate } from '../../../src/agent/watch-certificate.ts';
import { systemClock } from '../../../src/kubernetes/clock.ts';
import { silentLogger } from '../../../src/kubernetes/log.ts';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'pgwarden-certificate-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

test('Postgres reads its certificate again when it was exchanged, and again where that failed', async () => {
  const files = { certificateFile: join(directory, 'crt'), keyFile: join(directory, 'key'), caFile: null };
  await writeFile(files.certificateFile, '1');
  await writeFile(files.keyFile, '1');
  const abort = new AbortController();
  const told: string[] = [];
  // What happens before each look.
  const script = [
    async () => {},
    () => writeFile(files.certificateFile, '2'),
    async () => {},
    () => rm(files.keyFile),
    () => writeFile(files.keyFile, '2'),
    async () => abort.abort(),
  ];
  let look = 0;
  await watchCertificate(
    {
      files: () => files,
      refresh: async () => {
        told.push(`look ${look}`);
        if (told.length === 1) throw new Error('busy');
      },
      clock: { ...systemClock, sleep: async () => await script[look++]?.() },
      log: silentLogger,
    },
    abort.signal,
  );
  // The certificate at the second, once more after the failure, and the key at the fifth.
  expect(told).toEqual(['look 2', 'look 3', 'look 5']);
});
