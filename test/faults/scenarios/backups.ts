import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { findBinaries } from '../../../src/postgres/find-binaries.ts';
import { type Scenario, scenario, type World } from './scenario.ts';

/** A base backup that is slow enough to be in the middle of when something happens; its bytes are thrown away. */
async function slowBackup({ stage }: World, name: string): Promise<{ readonly ended: Promise<string> }> {
  const { directory } = await findBinaries(null);
  const target = [
    '-h',
    stage.addressOf(name),
    '-p',
    String(stage.member(name).demo.port),
    '-U',
    'pgwarden_replication',
  ];
  const how = ['-D', '-', '-F', 'tar', '-X', 'none', '-c', 'fast', '--max-rate', '2M'];
  const password = (await readFile(join(stage.dir, 'secrets', 'replication'), 'utf8')).trim();
  const backup = spawn(join(directory, 'pg_basebackup'), [...target, ...how], {
    env: { ...process.env, PGPASSWORD: password, LC_ALL: 'C' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let complaint = '';
  backup.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaint += text;
  });
  const exit = once(backup, 'exit').then(([code]) =>
    code === 0
      ? 'the backup was finished'
      : `the backup ended with ${code}: ${complaint.trim().split('\n').at(-1)}`,
  );
  // Its first bytes are those of a backup that has begun.
  await Promise.race([once(backup.stdout, 'data'), exit.then((how) => Promise.reject(new Error(how)))]);
  backup.stdout.resume();
  return { ended: exit };
}

export const backups: readonly Scenario[] = [
  scenario({
    id: 'promoted-during-backup',
    title: 'a standby is promoted in the middle of a base backup that is taken from it',
    holdMillis: 0,
    longestGapMillis: 10_000,
    async inject(world) {
      const { stage, sleep, note } = world;
      const [name = ''] = await stage.standbys();
      const { ended } = await slowBackup(world, name);
      await sleep(1000);
      const { exitCode, output } = await stage.pgwarden(name, 'switchover', '--target', name);
      note(exitCode === 0 ? `${name} was promoted` : (output.split('\n')[0] ?? ''));
      return async () => {
        note(await ended);
      };
    },
  }),
];
