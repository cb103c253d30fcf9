import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chown, mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { compareLsn } from '../../../src/ha/lsn.ts';
import { DemoCluster } from '../cluster.ts';
import { parseMultiHostUrl } from '../connect.ts';
import { divergeAndKill } from '../diverge.ts';
import { logLines } from '../story.ts';
import { waitFor } from '../wait-for.ts';
import { type Mark, mark } from './marks.ts';
import { configureMembers } from './member-settings.ts';
import { RestoredDirectory } from './restored.ts';
import { askAsSuperuser, endSegment, ownerOf } from './superuser.ts';

/**
 * A history on three timelines in one encrypted archive. Timeline 1: row 1, a backup, rows 2 and 3, then rows that no
 * standby got, and the loss of the primary. Timeline 2: rows 4 and 5, the old primary rewound, a backup, row 6, and the
 * loss of the primary. Timeline 3: rows 7 and 8, and row 9 that no segment has. All members are gone then.
 */
describe('an archive across two failovers and a rewind', () => {
  let cluster: DemoCluster;
  let archive: string;
  let keyFile: string;
  const marks = new Map<number, Mark>();
  const backups: string[] = [];

  const commit = async (...ids: readonly number[]): Promise<void> => {
    for (const id of ids) marks.set(id, await mark(cluster, id));
  };
  const of = (id: number): Mark => {
    const found = marks.get(id);
    if (found === undefined) throw new TypeError(`there is no mark ${id}`);
    return found;
  };
  const backUp = async (): Promise<void> => {
    const { stdout } = await cluster.pgwarden('backup', '--wait', '-o', 'json');
    backups.push((JSON.parse(stdout) as { readonly name: string }).name);
  };
  const restorePoint = async (name: string): Promise<void> => {
    const sql = `select pg_create_restore_point('${name}')`;
    await askAsSuperuser(cluster.dir, await cluster.primary(), sql);
  };
  /** Ends the segment that is written, and waits until the archive has it. */
  const archiveSegment = async (): Promise<void> => {
    const file = await endSegment(cluster);
    await waitFor('the segment in the archive', () => existsSync(objectOf(file)));
  };
  const objectOf = (file: string): string => join(archive, 'wal_005', `${file}.zst.aes`);
  const anotherThan = (primary: string) =>
    waitFor('another primary', async () => (await cluster.primary()) !== primary);

  beforeAll(async () => {
    cluster = await DemoCluster.start({
      prepare: async (demo) => {
        archive = join(demo.layout.dir, '..', 'archive');
        keyFile = join(demo.layout.dir, '..', 'keys');
        await mkdir(archive);
        await writeFile(keyFile, `${randomBytes(32).toString('base64')}\n`);
        const { uid, gid } = await ownerOf(demo.members[0]?.volume ?? '');
        if (process.getuid?.() === 0) await chown(archive, uid, gid);
        await configureMembers(demo, { archive: { url: `file://${archive}`, encryption: { keyFile } } });
      },
    });
    await cluster.query('create table marks (id int)');
    await commit(1);
    await backUp();
    await commit(2);
    await restorePoint('after two');
    await commit(3);
    await archiveSegment();
    const first = await cluster.primary();
    const lostAt = new Date();
    await divergeAndKill(cluster, first);
    await anotherThan(first);
    await commit(4);
    await cluster.revive(first);
    await cluster.waitUntilComplete();
    const story = await logLines(cluster.dir, first, lostAt);
    expect(story.filter(({ msg }) => msg.startsWith('rewind:'))).toHaveLength(1);
    await commit(5);
    await backUp();
    await commit(6);
    const second = await cluster.primary();
    await cluster.kill(second);
    await anotherThan(second);
    await commit(7);
    await restorePoint('after seven');
    await commit(8);
    await cluster.waitUntilComplete();
    await archiveSegment();
    await commit(9);
    const { lsn } = of(9);
    await waitFor('the live tail to have row 9', async () => {
      const tail = (await cluster.status(await cluster.primary()))?.archive?.tail;
      return tail != null && compareLsn(tail.position, lsn) >= 0;
    });
    expect([3, 4, 7].map((id) => of(id).file.slice(0, 8))).toEqual(['00000001', '00000002', '00000003']);
    await cluster.stop();
  });
  afterAll(() => cluster?.[Symbol.asyncDispose]());

  const from = (): string[] => [
    '--from',
    `file://${archive}`,
    '--set',
    `archive.encryption.keyFile=${keyFile}`,
  ];
  const upTo = (last: number): string[] => Array.from({ length: last }, (_, index) => String(index + 1));

  const cases: [string, () => string[], number][] = [
    ['the end of its first backup', () => ['--immediate', '--backup', backups[0] ?? ''], 1],
    ['a restore point before the first failover', () => ['--to-name', 'after two'], 2],
    ['a time before it', () => ['--to-time', of(3).time], 3],
    ['a transaction after it, whose number the lost rows had', () => ['--to-xid', of(4).xid], 4],
    ['just before that', () => ['--to-xid', of(4).xid, '--exclusive'], 3],
    ['an LSN between the failovers', () => ['--to-lsn', of(5).lsn, '--exclusive'], 5],
    ['a time between them', () => ['--to-time', of(5).time], 5],
    ['the end of its second backup', () => ['--immediate'], 5],
    ['a time just before the second failover', () => ['--to-time', of(6).time], 6],
    ['a restore point after it', () => ['--to-name', 'after seven'], 7],
    ['its end, from its first backup', () => ['--backup', backups[0] ?? ''], 9],
    ['the end of the timeline that was left first', () => ['--timeline', '1'], 3],
  ];

  test.concurrent.each(cases)('is restored to %s', async (_, target, last) => {
    await using place = await RestoredDirectory.make(archive);
    const { exitCode, stderr } = await place.restore(...from(), ...target());
    expect([exitCode, stderr]).toEqual([0, '']);
    const { database } = parseMultiHostUrl(cluster.url);
    const [rows, only] = await place.ask(
      database,
      'select id from marks order by 1',
      "select to_regclass('only_here')",
    );
    expect(rows).toEqual(upTo(last));
    // The table came to be before the rows that were lost, which nobody may ever see again.
    if (only?.[0] === 'only_here')
      expect(await place.ask(database, 'select count(*) from only_here')).toEqual([['0']]);
    else expect(last).toBeLessThanOrEqual(3);
  });

  const refused = async (...target: readonly string[]): Promise<{ code: string; remedy: string }> => {
    await using place = await RestoredDirectory.make(archive);
    const { exitCode, stderr } = await place.restore(...from(), ...target);
    expect(exitCode).toBe(1);
    expect(existsSync(place.data)).toBe(false);
    return (JSON.parse(stderr) as { error: { code: string; remedy: string } }).error;
  };

  test('refuses what lies in the future, and says what can be reached', async () => {
    const future = new Date(Date.now() + 3600_000).toISOString();
    for (const target of [
      ['--to-time', future],
      ['--to-lsn', '7F/0'],
      ['--to-name', 'nobody made it'],
    ]) {
      const { code, remedy } = await refused(...target);
      expect(code).toBe('RESTORE_TARGET_OUT_OF_REACH');
      expect(remedy).toContain(`the end of ${backups[0]}`);
      expect(remedy).toContain('on timeline 3');
    }
  });

  test('refuses what lies in a hole or behind it, and restores what lies around it', async () => {
    const object = objectOf(of(3).file);
    await rename(object, `${archive}/aside`);
    try {
      for (const target of [
        ['--to-time', of(3).time],
        ['--to-lsn', of(4).lsn],
        ['--to-xid', of(4).xid],
      ]) {
        const { code, remedy } = await refused(...target);
        expect(code).toBe('RESTORE_TARGET_OUT_OF_REACH');
        expect(remedy).toContain(backups[0]);
      }
      expect((await refused('--backup', backups[0] ?? '')).code).toBe('RESTORE_TARGET_OUT_OF_REACH');
      await using place = await RestoredDirectory.make(archive);
      const after = await place.restore(...from(), '--dry-run');
      expect(after.exitCode).toBe(0);
      const before = await place.restore(...from(), '--dry-run', '--immediate', '--backup', backups[0] ?? '');
      expect(before.exitCode).toBe(0);
    } finally {
      await rename(`${archive}/aside`, object);
    }
  });
});
