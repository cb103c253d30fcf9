import { join } from 'node:path';
import { findBinaries } from '../../../src/postgres/find-binaries.ts';
import { waitFor } from '../../e2e/wait-for.ts';
import { asPostgres } from '../stage/member.ts';
import { nothingToHeal, pick, type Scenario, scenario } from './scenario.ts';

export const users: readonly Scenario[] = [
  scenario({
    id: 'user-promotes',
    title: 'a user runs pg_ctl promote on a standby',
    longestGapMillis: 10_000,
    async inject(world) {
      const { stage } = world;
      const name = await pick(world, 'standby');
      const { directory } = await findBinaries(null);
      const data = stage.member(name).demo.dataDirectory;
      await asPostgres([join(directory, 'pg_ctl'), 'promote', '--no-wait', '-D', data]);
      return nothingToHeal;
    },
  }),
  scenario({
    id: 'user-alters-system',
    title: 'a user empties synchronous_standby_names and changes primary_conninfo by ALTER SYSTEM: reverted',
    longestGapMillis: 5000,
    // Until it is reverted a commit waits for nobody: a takeover in that moment is outside of what is promised.
    isCombinable: false,
    async inject({ stage, note }) {
      const member = stage.member(await stage.primary());
      const before = await member.sql('SHOW synchronous_standby_names');
      await member.sql("ALTER SYSTEM SET synchronous_standby_names = ''");
      await member.sql("ALTER SYSTEM SET primary_conninfo = 'host=nowhere'");
      await member.sql('SELECT pg_reload_conf()');
      const began = performance.now();
      await waitFor(
        'the setting to be what it was',
        async () => (await member.sql('SHOW synchronous_standby_names')) === before,
      );
      note(`reverted after ${Math.round(performance.now() - began)} ms`);
      return nothingToHeal;
    },
  }),
  scenario({
    id: 'user-ends-walsenders',
    title: 'a user ends the walsenders by pg_terminate_backend, again and again for 5 s',
    holdMillis: 1000,
    longestGapMillis: 10_000,
    async inject({ stage, sleep, note }) {
      const until = performance.now() + 5000;
      let ended = 0;
      while (performance.now() < until) {
        const primary = await stage.servingNow();
        if (primary !== null) {
          const sql = 'SELECT count(*) FILTER (WHERE pg_terminate_backend(pid)) FROM pg_stat_replication';
          ended += await stage
            .member(primary)
            .sql(sql)
            .then(Number, () => 0);
        }
        await sleep(300);
      }
      note(`ended ${ended} walsenders`);
      return nothingToHeal;
    },
  }),
  scenario({
    id: 'user-drops-slots',
    title: 'a user drops the replication slots of the standbys: made again',
    longestGapMillis: 10_000,
    async inject({ stage, note }) {
      const member = stage.member(await stage.primary());
      const slots = 'SELECT count(*) FROM pg_replication_slots WHERE slot_type = $$physical$$';
      const before = Number(await member.sql(slots));
      const dropped = await waitFor('all slots to be dropped', async () => {
        const sql = `
          DO $$ DECLARE slot record; BEGIN
            FOR slot IN SELECT slot_name, active_pid FROM pg_replication_slots WHERE slot_type = 'physical' LOOP
              PERFORM pg_terminate_backend(slot.active_pid, 1000);
              PERFORM pg_drop_replication_slot(slot.slot_name);
            END LOOP; END $$`;
        await member.sql(sql);
        return before;
      });
      await waitFor('the slots to be made again', async () => Number(await member.sql(slots)) >= before);
      note(`dropped ${dropped} slots`);
      return nothingToHeal;
    },
  }),
];
