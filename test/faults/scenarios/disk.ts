import { nothingToHeal, pick, type Role, type Scenario, scenario } from './scenario.ts';

const DISKS = ['disks'] as const;
const whose = (role: Role): string => (role === 'primary' ? 'the primary' : 'a standby');

const failing = (role: Role): Scenario =>
  scenario({
    id: `eio-${role}`,
    title: `disk of ${whose(role)} fails (EIO on every access), and later comes back with what was flushed`,
    needs: DISKS,
    holdMillis: 8000,
    async inject(world) {
      const { stage } = world;
      const name = await pick(world, role);
      await stage.volume(name).fail();
      return async () => {
        const member = stage.member(name);
        await member.down();
        await stage.volume(name).detach();
        await stage.volume(name).attach();
        member.up();
      };
    },
  });

export const disk: readonly Scenario[] = [
  scenario({
    id: 'disk-full-primary',
    title: 'disk of the primary full: first its data, and once the WAL needs a new file, that too',
    needs: DISKS,
    holdMillis: 15_000,
    longestGapMillis: 30_000,
    async inject({ stage, note }) {
      const name = await stage.primary();
      await stage.volume(name).fill(256);
      // 48 MB of WAL, more than what is left of the files that were made ahead.
      const sql =
        'SELECT pg_switch_wal() FROM (SELECT pg_logical_emit_message(false, $$x$$, repeat($$x$$, 1000000)) FROM generate_series(1, 16)) AS x';
      for (let times = 0; times < 6; times += 1) {
        await stage
          .member(name)
          .sql(sql, 5000)
          .catch((error: Error) => note(error.message.split('\n').at(-1) ?? ''));
      }
      return () => stage.volume(name).empty();
    },
  }),
  scenario({
    id: 'disk-full-standby',
    title: 'disk of a standby full, while the primary writes many WAL files',
    needs: DISKS,
    holdMillis: 10_000,
    async inject(world) {
      const { stage } = world;
      const name = await pick(world, 'standby');
      const primary = await stage.primary();
      await stage.volume(name).fill(256);
      for (let times = 0; times < 6; times += 1) await stage.member(primary).sql('SELECT pg_switch_wal()');
      return () => stage.volume(name).empty();
    },
  }),
  failing('primary'),
  failing('standby'),
  scenario({
    id: 'disk-stalled-primary',
    title: 'disk of the primary stands still for 40 s: every write and fsync waits',
    needs: DISKS,
    holdMillis: 40_000,
    // Found out by `hungAfter` (10 s), then stopped within bounds.
    longestGapMillis: 25_000,
    async inject({ stage }) {
      const volume = stage.volume(await stage.primary());
      await volume.freeze();
      return () => volume.thaw();
    },
  }),
  scenario({
    id: 'slow-fsync-primary',
    title: 'slow fsync on the primary: its disk stands still for 0.4 of every 0.5 s',
    needs: DISKS,
    holdMillis: 0,
    async inject(world) {
      return slowly(world, await world.stage.primary());
    },
  }),
  scenario({
    id: 'slow-fsync-standbys',
    title: 'slow fsync on both standbys',
    needs: DISKS,
    holdMillis: 0,
    async inject(world) {
      await Promise.all((await world.stage.standbys()).map((name) => slowly(world, name)));
      return nothingToHeal;
    },
  }),
];

async function slowly({ stage, sleep }: Parameters<Scenario['inject']>[0], name: string) {
  const volume = stage.volume(name);
  const until = performance.now() + 12_000;
  try {
    while (performance.now() < until) {
      await volume.freeze();
      await sleep(400);
      await volume.thaw();
      await sleep(100);
    }
  } finally {
    await volume.thaw();
  }
  return nothingToHeal;
}
