import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { PrivilegesError } from '../../../src/agent/errors.ts';
import { ensurePasswdEntry } from '../../../src/agent/passwd-entry.ts';

/** In nobody's /etc/passwd: what OpenShift gives. */
const UNKNOWN = { uid: 1_000_650_000, gid: 0 };

describe('the entry of this user in /etc/passwd', () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'pgwarden-passwd-'));
  });
  afterEach(() => rm(directory, { recursive: true, force: true }));

  test('a user that has one is left alone', () => {
    const environment = {};
    expect(ensurePasswdEntry('postgres', directory, environment, { uid: 0, gid: 0 })).toEqual({
      made: false,
    });
    expect(environment).toEqual({});
  });

  test('a user without one gets a name by nss_wrapper, or is told that the library is missing', async () => {
    const environment: NodeJS.ProcessEnv = {};
    let refusal: unknown = null;
    try {
      ensurePasswdEntry('postgres', directory, environment, UNKNOWN);
    } catch (error) {
      refusal = error;
    }
    if (refusal !== null) {
      expect(refusal).toBeInstanceOf(PrivilegesError);
      expect((refusal as PrivilegesError).message).toContain('libnss_wrapper.so is not installed');
      return;
    }
    const lines = (await readFile(join(directory, 'passwd'), 'utf8')).trim().split('\n');
    expect(lines.filter((line) => line.startsWith('postgres:'))).toEqual([
      `postgres:x:1000650000:0::${directory}:/bin/sh`,
    ]);
    expect(lines.some((line) => line.startsWith('root:'))).toBe(true);
    expect(environment.LD_PRELOAD).toMatch(/libnss_wrapper\.so$/);
    expect(environment.NSS_WRAPPER_PASSWD).toBe(join(directory, 'passwd'));
  });
});
