import { setTimeout as sleep } from 'node:timers/promises';
import { isAlive, sendSignal } from '../../../src/demo/processes.ts';
import { abandon, connectReadWrite } from '../../e2e/connect.ts';
import { waitFor } from '../../e2e/wait-for.ts';
import type { Kind } from '../stage/member.ts';
import { nothingToHeal, pick, type Role, type Scenario, scenario } from './scenario.ts';

const killed = (kind: Kind, role: Role, more: Partial<Scenario> = {}): Scenario =>
  scenario({
    id: `kill-${kind}-${role}`,
    title: `SIGKILL: ${kind} of ${role === 'primary' ? 'the primary' : 'a standby'}`,
    async inject(world) {
      world.stage.member(await pick(world, role)).signal(kind, 'SIGKILL', 1);
      return nothingToHeal;
    },
    ...more,
  });

const frozen = (kind: Kind, role: Role, more: Partial<Scenario> = {}): Scenario =>
  scenario({
    id: `freeze-${kind}-${role}`,
    title: `SIGSTOP, later SIGCONT: ${kind} of ${role === 'primary' ? 'the primary' : 'a standby'}`,
    holdMillis: 8000,
    async inject(world) {
      const hit = world.stage.member(await pick(world, role)).signal(kind, 'SIGSTOP', 1);
      return async () => {
        for (const one of hit) sendSignal(one, 'SIGCONT');
      };
    },
    ...more,
  });

export const processes: readonly Scenario[] = [
  killed('agent', 'primary'),
  killed('agent', 'standby'),
  killed('guard', 'primary'),
  killed('postmaster', 'primary'),
  killed('postmaster', 'standby'),
  killed('backend', 'primary'),
  killed('walsender', 'primary'),
  killed('walreceiver', 'standby'),
  killed('startup', 'standby'),
  frozen('agent', 'primary'),
  frozen('agent', 'standby'),
  frozen('guard', 'primary'),
  // Nobody is called for it: it is found out by `hungAfter`, 10 s.
  frozen('postmaster', 'primary', { holdMillis: 15_000, longestGapMillis: 30_000 }),
  // It may hold a lock that everybody waits for.
  frozen('backend', 'primary', { longestGapMillis: 25_000 }),
  frozen('walsender', 'primary'),
  frozen('walreceiver', 'standby'),
  frozen('startup', 'standby'),
  scenario({
    id: 'kill-primary',
    title: 'SIGKILL: everything of the primary at once',
    async inject({ stage }) {
      stage.member(await stage.primary()).kill();
      return nothingToHeal;
    },
  }),
  scenario({
    id: 'lose-primary',
    title: 'everything of the primary killed, and started again only later',
    holdMillis: 10_000,
    async inject({ stage }) {
      const member = stage.member(await stage.primary());
      await member.down();
      return async () => member.up();
    },
  }),
  scenario({
    id: 'freeze-primary',
    title: 'SIGSTOP, later SIGCONT: everything of the primary',
    holdMillis: 10_000,
    // A backend that goes on answers what it had been asked before the guard gets its turn: a machine that stood
    // still cannot know it.
    oldestReadMillis: null,
    async inject({ stage }) {
      const member = stage.member(await stage.primary());
      member.freeze();
      return async () => member.thaw();
    },
  }),
  scenario({
    id: 'orphan-backend',
    title: 'a backend busy in a query outlives its postmaster, and guard and agent are killed too',
    holdMillis: 8000,
    async inject({ stage, note }) {
      const member = stage.member(await stage.primary());
      const { client } = await connectReadWrite(stage.target.url);
      try {
        const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
        const busy = member.find('backend').find(({ pid }) => pid === rows[0]?.pid);
        if (busy === undefined) throw new Error('the busy backend is not found');
        // It looks for neither signals of its postmaster's death nor its client.
        client.query('SELECT count(*) FROM generate_series(1, 100000000000)').catch(() => {});
        await sleep(300);
        const ends = [...member.find('guard'), ...member.find('agent'), ...member.find('postmaster')];
        for (const one of ends) sendSignal(one, 'SIGKILL');
        const began = performance.now();
        await waitFor('the orphan to be ended', () => !isAlive(busy), { intervalMillis: 20 });
        note(`the orphan was ended after ${Math.round(performance.now() - began)} ms`);
      } finally {
        abandon(client);
      }
      return nothingToHeal;
    },
  }),
];
