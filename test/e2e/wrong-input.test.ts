import { chmod, chown, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { DemoCluster } from './cluster.ts';
import { volumeOf } from './diverge.ts';
import { LoneAgent, settingsOf } from './lone-agent.ts';
import { waitFor } from './wait-for.ts';

const isRoot = process.getuid?.() === 0;

describe('a member that is given something wrong', () => {
  let cluster: DemoCluster;
  /** A standby that is down at the start of each test. */
  let victim: string;
  let volume: string;
  let data: string;
  let root: string;
  let file: string;

  beforeAll(async () => {
    cluster = await DemoCluster.start();
    root = await mkdtemp(join(tmpdir(), 'pgwarden-wrong-'));
    // As root, the agent gives root up and has to get in.
    await chmod(root, 0o755);
    file = join(root, 'agent.yaml');
    await cluster.query('CREATE TABLE kept AS SELECT 1 AS id');
    victim = (await cluster.standbys()).at(-1) ?? '';
    volume = await volumeOf(cluster, victim);
    data = join(volume, 'data');
  });
  afterAll(async () => {
    await cluster?.[Symbol.asyncDispose]();
    await rm(root, { recursive: true, force: true });
  });
  beforeEach(async () => {
    await cluster.kill(victim, { what: 'agent', signal: 'TERM', stayDown: true }).catch(() => {});
    await waitFor('it to be down', async () => {
      const { agentPid, postgresPid } = await cluster.member(victim);
      return agentPid === null && postgresPid === null;
    });
  });

  /** What must not change: the data and its identity. */
  const fingerprint = async (): Promise<unknown> => ({
    names: (await readdir(data)).toSorted(),
    control: (await readFile(join(data, 'global', 'pg_control'))).toString('base64'),
    identity: await readFile(join(volume, 'member', 'identity.json'), 'utf8'),
  });

  const comesBack = async (): Promise<void> => {
    const identity = JSON.parse(await readFile(join(volume, 'member', 'identity.json'), 'utf8')) as unknown;
    await cluster.revive(victim);
    await cluster.waitUntilComplete();
    expect(JSON.parse(await readFile(join(volume, 'member', 'identity.json'), 'utf8'))).toEqual(identity);
    expect(await cluster.queryMember(victim, 'SELECT id FROM kept')).toEqual([{ id: 1 }]);
  };

  test.each([
    ['an unknown key', { ha: { leaseDuraton: '10s' } }, /ha\.leaseDuraton.*leaseDuration/s],
    ['a value of the wrong type', { http: { port: 'eighty' } }, /http\.port.*eighty/s],
    ['binaries that are not there', { postgres: { binDirectory: '/nonexistent' } }, /nonexistent/],
  ])('says so of %s, ends, and changes nothing', async (_, wrong, said) => {
    const before = await fingerprint();
    const settings = await settingsOf(cluster, victim);
    for (const [section, values] of Object.entries(wrong)) {
      settings[section] = { ...(settings[section] as object), ...values };
    }
    await using agent = await LoneAgent.start(file, settings);
    expect(await agent.ended()).not.toBe(0);
    expect(agent.text).toMatch(said);
    expect(await fingerprint()).toEqual(before);
  });

  test('says so of data of another major version, and goes on when it is right again', async () => {
    const path = join(data, 'PG_VERSION');
    const right = await readFile(path, 'utf8');
    await writeFile(path, '12\n');
    const before = await fingerprint();
    {
      await using agent = await LoneAgent.start(file, await settingsOf(cluster, victim));
      await agent.says(/DATA_MAJOR_MISMATCH|is of PostgreSQL 12/);
    }
    expect(await fingerprint()).toEqual(before);
    await writeFile(path, right);
    await comesBack();
  });

  test.skipIf(!isRoot)('says so of data that somebody else owns (needs root)', async () => {
    const { uid, gid } = await stat(data);
    await chown(data, 1, 1);
    const before = await fingerprint();
    {
      await using agent = await LoneAgent.start(file, await settingsOf(cluster, victim));
      await agent.says(/DATA_OWNER|belongs to uid 1/);
    }
    expect(await fingerprint()).toEqual(before);
    await chown(data, uid, gid);
    await comesBack();
  });

  /** Another cluster's volume; the cluster is stopped. */
  const foreigner = async () => {
    const other = await DemoCluster.start({ members: 1 });
    await other.query('CREATE TABLE foreign_rows AS SELECT 7 AS id');
    const path = await volumeOf(other, 'pg-0');
    await other.stop();
    return { other, path };
  };

  test('says so of the data of another cluster, and neither loses anything', async () => {
    const kept = join(root, 'kept');
    await execa('cp', ['-a', volume, kept]);
    const { other, path } = await foreigner();
    await using _ = other;
    await rm(volume, { recursive: true });
    await execa('cp', ['-a', path, volume]);
    await cluster.revive(victim);
    const problem = await waitFor('the problem to be told', async () =>
      (await cluster.status(victim))?.problems.find(({ code }) => code === 'FOREIGN_CLUSTER'),
    );
    expect(problem.message).toMatch(/system identifier/);
    expect(problem.remedy).toMatch(/empty volume/);
    expect((await cluster.status(victim))?.streamingFrom).toBeNull();
    await cluster.kill(victim, { stayDown: true });
    // What the wrong member left is whole: its own cluster goes on with it.
    await rm(path, { recursive: true });
    await execa('cp', ['-a', volume, path]);
    await other.startAgain();
    expect(await other.query('SELECT id FROM foreign_rows')).toEqual([{ id: 7 }]);
    await rm(volume, { recursive: true });
    await execa('cp', ['-a', kept, volume]);
    await comesBack();
  });

  test('says so of a database that it knows nothing of, and leaves it alone', async () => {
    const { uid, gid } = await stat(data);
    const aside = join(root, 'aside');
    await execa('cp', ['-a', volume, aside]);
    const { other, path } = await foreigner();
    await using _ = other;
    await rm(volume, { recursive: true });
    await mkdir(volume, { mode: 0o700 });
    await chown(volume, uid, gid);
    await execa('cp', ['-a', join(path, 'data'), data]);
    const before = await readdir(data);
    const control = await readFile(join(data, 'global', 'pg_control'));
    {
      await using agent = await LoneAgent.start(file, await settingsOf(cluster, victim));
      expect(await agent.ended()).not.toBe(0);
      expect(agent.text).toMatch(/remedy:/);
    }
    expect((await readFile(join(data, 'global', 'pg_control'))).equals(control)).toBe(true);
    expect(await readdir(data)).toEqual(before);
    await rm(volume, { recursive: true });
    await execa('cp', ['-a', aside, volume]);
    await comesBack();
  });

  test('refuses a second agent on the same directory, and the first goes on', async () => {
    await comesBack();
    const { agentPid, postgresPid } = await cluster.member(victim);
    await using agent = await LoneAgent.start(file, await settingsOf(cluster, victim));
    expect(await agent.ended()).not.toBe(0);
    expect(agent.text).toMatch(new RegExp(`DIRECTORY_IN_USE|AGENT_RUNNING|${agentPid}`));
    expect(await cluster.member(victim)).toMatchObject({ agentPid, postgresPid });
    await cluster.waitUntilComplete();
  });

  test('refuses a second member of the same name, and the first goes on', async () => {
    await comesBack();
    const before = await cluster.member(victim);
    const settings = await settingsOf(cluster, victim);
    const elsewhere = join(root, 'elsewhere');
    await mkdir(elsewhere, { mode: 0o777, recursive: true });
    const { uid, gid } = await stat(data);
    await chown(elsewhere, uid, gid);
    settings.volume = join(elsewhere, 'volume');
    settings.socket = join(elsewhere, 'agent.sock');
    settings.postgres = {
      ...(settings.postgres as object),
      port: before.port + 1000,
      socketDirectory: elsewhere,
    };
    settings.http = { ...(settings.http as object), port: before.port + 1001 };
    await using agent = await LoneAgent.start(file, settings);
    expect(await agent.ended()).not.toBe(0);
    expect(agent.text).toMatch(/answers under the name/);
    await cluster.waitUntilComplete();
    expect(await cluster.member(victim)).toMatchObject({
      agentPid: before.agentPid,
      postgresPid: before.postgresPid,
    });
    expect(await readdir(join(elsewhere, 'volume')).catch(() => [])).not.toContain('data');
  });

  test.skipIf(!isRoot)(
    'says so of a volume without room for a clone, and clones when there is (needs root)',
    async () => {
      const { uid, gid } = await stat(volume);
      await execa('mount', ['-t', 'tmpfs', '-o', `size=48m,mode=700,uid=${uid},gid=${gid}`, 'tmpfs', volume]);
      try {
        await cluster.revive(victim);
        await waitFor('the full volume to be told', async () => {
          const status = await cluster.status(victim);
          return status?.problems.some(({ message, code }) => `${code} ${message}`.match(/VOLUME_FULL|free/));
        });
        await cluster.kill(victim, { stayDown: true });
      } finally {
        await cluster.kill(victim, { stayDown: true }).catch(() => {});
        await waitFor(
          'the mount to be left',
          async () => (await execa('umount', [volume], { reject: false })).exitCode === 0,
        );
      }
      await comesBack();
    },
  );

  test('waits for a person when the record is there but every volume is empty', async () => {
    await comesBack();
    const volumes = await Promise.all(cluster.names.map((name) => volumeOf(cluster, name)));
    const record = (await cluster.cluster(victim)).clusterUID;
    for (const name of cluster.names) await cluster.kill(name, { stayDown: true });
    for (const path of volumes) {
      await mkdir(join(root, 'volumes'), { recursive: true });
      await execa('cp', ['-a', path, join(root, 'volumes')]);
      for (const entry of await readdir(path)) await rm(join(path, entry), { recursive: true });
    }
    for (const name of cluster.names) await cluster.revive(name);
    for (const name of cluster.names) {
      await waitFor(`${name} to tell of it`, async () =>
        (await cluster.status(name))?.problems.some(({ code }) => code === 'RECORD_WITHOUT_DATA'),
      );
    }
    expect(await cluster.primaries()).toEqual([]);
    for (const path of volumes) expect(await readdir(path)).not.toContain('data');
    expect((await cluster.cluster(victim)).clusterUID).toBe(record);
    // The volumes come back, and so does the cluster.
    for (const name of cluster.names) await cluster.kill(name, { stayDown: true });
    for (const path of volumes) {
      await rm(path, { recursive: true });
      await execa('cp', ['-a', join(root, 'volumes', path.split('/').at(-1) ?? ''), path]);
    }
    for (const name of cluster.names) await cluster.revive(name);
    await cluster.waitUntilComplete();
    expect(await cluster.query('SELECT id FROM kept')).toEqual([{ id: 1 }]);
  });
});
