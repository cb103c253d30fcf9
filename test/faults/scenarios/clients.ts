import { sendSignal } from '../../../src/demo/processes.ts';
import { abandon, connectReadWrite } from '../../e2e/connect.ts';
import { waitFor } from '../../e2e/wait-for.ts';
import { nothingToHeal, type Scenario, scenario } from './scenario.ts';

export const clients: readonly Scenario[] = [
  scenario({
    id: 'cancelled-wait',
    title: 'clients cancel commits that wait for standbys; then everything of the primary is killed',
    async inject({ stage, note, expect }) {
      const primary = await stage.primary();
      const frozen = (await stage.standbys()).flatMap((name) =>
        stage.member(name).signal('walreceiver', 'SIGSTOP'),
      );
      try {
        const cancelled = await stage.member(primary).sql(
          `SELECT count(*) FILTER (WHERE pg_cancel_backend(pid)) FROM pg_stat_activity
             WHERE wait_event = 'SyncRep' AND pg_sleep(0.5) IS NOT NULL`,
        );
        note(`cancelled the wait of ${cancelled} commits`);
        expect(Number(cancelled) > 0, 'no commit waited for a standby');
      } finally {
        stage.member(primary).kill();
        for (const one of frozen) sendSignal(one, 'SIGCONT');
      }
      return nothingToHeal;
    },
  }),
  scenario({
    id: 'asynchronous-session',
    title:
      'a session with synchronous_commit = off writes much, and the primary is killed: only its own rows may go',
    async inject({ stage, note }) {
      const { client } = await connectReadWrite(stage.target.url);
      try {
        await client.query('CREATE TABLE IF NOT EXISTS careless (id bigserial, note text)');
        await client.query('SET synchronous_commit = off');
        const until = performance.now() + 2000;
        let written = 0;
        while (performance.now() < until) {
          await client.query(
            "INSERT INTO careless (note) SELECT repeat('x', 200) FROM generate_series(1, 50)",
          );
          written += 50;
        }
        stage.member(await stage.primary()).kill();
        await waitFor('another primary', () => stage.servingNow());
        const after = await connectReadWrite(stage.target.url);
        const { rows } = await after.client.query<{ count: string }>('SELECT count(*) FROM careless');
        abandon(after.client);
        note(`of ${written} rows of that session ${rows[0]?.count} (of all its runs) are there`);
      } finally {
        abandon(client);
      }
      return nothingToHeal;
    },
  }),
];
