import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { BackupPhase } from '../../../../src/archive/backup/progress.ts';
import { type ArchiveSettings, openArchive } from '../../../../src/archive/opened-archive.ts';
import type { WalArchive } from '../../../../src/archive/wal/push-file.ts';
import type { ArchivedPostgres } from '../postgres.ts';
import { restoreByHand } from './restored.ts';
import { archived, keys, names, recover, Stage } from './stage.ts';
import { checksummed, take } from './take.ts';

const ROWS = 15_000;

describe('a backup whose process is killed', () => {
  let stage: Stage;
  let server: ArchivedPostgres;
  let settings: ArchiveSettings;
  let archive: WalArchive;

  beforeAll(async () => {
    stage = await Stage.open();
    settings = await stage.inDirectory();
    server = await checksummed();
    await server.start();
    await server.startArchiver(settings);
    archive = await openArchive(settings);
    await server.query(
      `create table kept as select i, repeat(md5(i::text), 20) as filler from generate_series(1, ${ROWS}) i`,
    );
  }, 12 * 60_000);
  afterAll(async () => {
    await server?.[Symbol.asyncDispose]();
    await stage?.[Symbol.asyncDispose]();
  });

  /** Stops it dead when it has come to a phase (of copying: to its second megabyte), and kills it there. */
  const killAt = async (phase: BackupPhase): Promise<void> => {
    const given = { settings, socket: server.volume, port: server.port, data: server.data, phase };
    const child = spawn(
      process.execPath,
      [new URL('./killed-child.ts', import.meta.url).pathname, JSON.stringify(given)],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    const ended = once(child, 'exit');
    const [said] = (await Promise.race([once(child.stdout, 'data'), ended])) as [unknown];
    expect(String(said)).toBe(`${phase}\n`);
    child.kill('SIGKILL');
    await ended;
  };

  test.each<[BackupPhase, boolean]>([
    ['clean-up', false],
    ['checkpoint', false],
    ['copy', true],
    ['stop', true],
    ['wait-for-wal', true],
    ['sentinel', true],
  ])('at the step "%s" counts for nothing, and the next one clears it away', async (phase, leaves) => {
    const before = await names(archive);
    const known = await keys(archive);
    await killAt(phase);
    expect(await names(archive)).toEqual(before);
    const left = (await keys(archive)).filter((key) => !known.includes(key));
    expect(left.length > 0).toBe(leaves);
    const removed: string[] = [];
    const { name } = await take(server, archive, { onRemoved: (those) => removed.push(...those) });
    expect(removed).toHaveLength(leaves ? 1 : 0);
    expect(await names(archive)).toEqual([...before, name]);
    expect((await keys(archive)).filter((key) => left.includes(key))).toEqual([]);
  });

  test('leaves the later ones whole', async () => {
    await archived(server);
    const last = (await names(archive)).at(-1) ?? '';
    await using restored = await restoreByHand(archive, last);
    await recover(restored, settings);
    expect(await restored.value('select count(*)::int from kept')).toBe(ROWS);
  });
});
