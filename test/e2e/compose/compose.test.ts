import { mkdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import type { ClusterStatus } from '../../../src/http/ports.ts';
import { waitFor } from '../wait-for.ts';
import { Writer } from '../writer.ts';

const ROOT = join(import.meta.dirname, '..', '..', '..');
const MEMBERS = ['pg-0', 'pg-1', 'pg-2'];

/** docker-compose.yml as it is shipped, under a project of its own. */
async function compose(...args: readonly string[]): Promise<string> {
  const { stdout } = await execa('docker', ['compose', '-p', 'pgwarden-e2e', ...args], {
    cwd: ROOT,
    stdin: 'ignore',
    env: { PGWARDEN_IMAGE: inject('composeImage'), DOCKER_BUILDKIT: '0' },
  });
  return stdout;
}

async function status(): Promise<ClusterStatus> {
  for (const member of MEMBERS) {
    const told = await compose('exec', '-T', member, 'pgwarden', 'status', '-o', 'json').catch(() => null);
    if (told !== null) return JSON.parse(told) as ClusterStatus;
  }
  throw new Error('no member answers');
}

async function complete(): Promise<ClusterStatus> {
  return await waitFor('one primary and two standbys that stream', async () => {
    const seen = await status();
    const streaming = seen.members.filter((member) => member.streaming);
    return seen.primary !== null && seen.settledEpoch === seen.epoch && streaming.length === 2 ? seen : null;
  });
}

/** What every container wrote, in a folder that is named: for who reads the failure. */
async function keepEvidence(): Promise<void> {
  const root = process.env.PGWARDEN_TEST_EVIDENCE ?? join(tmpdir(), 'pgwarden-evidence');
  const directory = join(root, `compose-${process.pid}`);
  await mkdir(directory, { recursive: true });
  const kept = { 'ps.txt': ['ps', '-a'], 'logs.txt': ['logs', '--no-color', '--timestamps'] };
  for (const [file, args] of Object.entries(kept))
    await writeFile(join(directory, file), await compose(...args).catch((error: Error) => error.message));
  process.stderr.write(`  kept: ${directory}\n`);
}

describe('docker compose up', () => {
  beforeAll(async () => {
    await compose('up', '-d', '--wait').catch(async (error: Error) => {
      await keepEvidence();
      throw error;
    });
  });
  afterAll(async () => {
    await compose('down', '-v', '--timeout', '5');
  });

  test('gives three members whose primary archives to the S3 server', async () => {
    const { primary } = await complete();
    await compose('exec', '-T', primary ?? '', 'psql', '-Atc', 'select pg_switch_wal()');
    await waitFor('a segment in the archive', async () => {
      const sql = 'select archived_count > 0 from pg_stat_archiver';
      return (await compose('exec', '-T', primary ?? '', 'psql', '-Atc', sql)) === 't';
    });
  });

  test('a member that is killed is replaced, and comes back; nothing that was acknowledged is lost', async () => {
    const { primary } = await complete();
    const password = await compose('exec', '-T', 'pg-0', 'cat', '/etc/pgwarden/secrets/application');
    const hosts = 'localhost:5432,localhost:5433,localhost:5434';
    const url = `postgresql://app:${password}@${hosts}/app?target_session_attrs=read-write&connect_timeout=2`;
    const writer = await new Writer(url, { connections: 4, deadAfterMillis: 2000 }).start();
    try {
      const since = performance.now();
      await compose('kill', '-s', 'KILL', primary ?? '');
      await writer.waitForWrites(200);
      const { millis } = writer.longestGap(since);
      process.stderr.write(`  write gap ${Math.round(millis)} ms: a container of Compose killed\n`);
      await compose('up', '-d', '--wait');
      const after = await complete();
      await writer.stop();
      expect(after.primary).not.toBe(primary);
      const rows = await compose(
        ...['exec', '-T', after.primary ?? '', 'psql', '-d', 'app', '-Atc', 'select id from writes'],
      );
      const there = new Set(rows.split('\n').map(Number));
      expect([...writer.acknowledged].filter((id) => !there.has(id))).toEqual([]);
      expect(writer.stale).toEqual([]);
    } catch (error) {
      process.stderr.write(`  errors of the load: ${JSON.stringify([...writer.errors])}\n`);
      await keepEvidence();
      throw error;
    } finally {
      await writer.stop();
    }
  });
});
