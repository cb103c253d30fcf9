import { waitFor } from '../../e2e/wait-for.ts';
import { ballast } from './ballast.ts';
import { nothingToHeal, type Scenario, scenario, type World } from './scenario.ts';

const NETWORK = ['network'] as const;

/** Asked of the member that is neither the primary nor the target: its agent lives on whatever happens to those. */
async function switchover({ stage, note }: World, target: string): Promise<void> {
  const asked = (await stage.standbys()).find((name) => name !== target) ?? target;
  const { exitCode, output } = await stage.pgwarden(asked, 'switchover', '--target', target);
  const words = output.split('\n').slice(0, 2).join('; ');
  note(`switchover to ${target}: exit code ${exitCode}${exitCode === 0 ? '' : `: ${words}`}`);
}

export const operations: readonly Scenario[] = [
  scenario({
    id: 'switchover',
    title: 'switchover to a standby that is named',
    holdMillis: 2000,
    longestGapMillis: 5000,
    async inject(world) {
      const [target = ''] = await world.stage.standbys();
      await switchover(world, target);
      return nothingToHeal;
    },
  }),
  scenario({
    id: 'switchover-target-killed',
    title: 'switchover while everything of its target is killed',
    longestGapMillis: 25_000,
    async inject(world) {
      const [target = ''] = await world.stage.standbys();
      const asked = switchover(world, target);
      await world.sleep(world.random.between(100, 600));
      world.stage.member(target).kill();
      await asked;
      return nothingToHeal;
    },
  }),
  scenario({
    id: 'switchover-primary-killed',
    title: 'switchover while everything of the primary is killed',
    longestGapMillis: 25_000,
    async inject(world) {
      const primary = await world.stage.primary();
      const [target = ''] = await world.stage.standbys();
      const asked = switchover(world, target);
      await world.sleep(world.random.between(100, 1000));
      world.stage.member(primary).kill();
      await asked;
      return nothingToHeal;
    },
  }),
  scenario({
    id: 'switchover-laggard',
    title: 'switchover to a standby that lags: its network carries 2 Mbit/s, and 40 MB are written',
    needs: NETWORK,
    holdMillis: 4000,
    longestGapMillis: 30_000,
    isCombinable: false,
    async inject(world) {
      const { stage, note } = world;
      const [target = ''] = await stage.standbys();
      await stage.network.narrow(target, 2000);
      try {
        await ballast(world, 40);
        await switchover(world, target);
      } finally {
        await stage.network.widen(target);
      }
      note(`the primary after that: ${(await stage.servingNow()) ?? 'nobody yet'}`);
      return nothingToHeal;
    },
  }),
  scenario({
    id: 'repeated-failover',
    title: 'the primary of the moment killed every 5 s',
    holdMillis: 0,
    longestGapMillis: 30_000,
    isCombinable: false,
    async inject({ stage, sleep, note, isLong }) {
      const until = performance.now() + (isLong ? 300_000 : 30_000);
      let times = 0;
      while (performance.now() < until) {
        const next = performance.now() + 5000;
        const primary = await stage.servingNow();
        if (primary !== null) {
          stage.member(primary).kill();
          times += 1;
        }
        await sleep(next - performance.now());
      }
      note(`${times} times`);
      return nothingToHeal;
    },
  }),
  scenario({
    id: 'rolling-restart',
    title: 'rolling restart: SIGTERM to every agent, the standbys first, each when all are well',
    holdMillis: 0,
    longestGapMillis: 10_000,
    isCombinable: false,
    async inject({ stage }) {
      const primary = await stage.primary();
      for (const name of [...(await stage.standbys()), primary]) {
        const before = stage.member(name).find('agent').at(0)?.pid;
        stage.member(name).signal('agent', 'SIGTERM');
        await waitFor(`another agent of ${name}`, () => {
          const now = stage.member(name).find('agent').at(0)?.pid;
          return now !== undefined && now !== before;
        });
        await stage.waitUntilComplete(60_000);
      }
      return nothingToHeal;
    },
  }),
  scenario({
    id: 'all-killed',
    title: 'everything of all members killed at once',
    holdMillis: 0,
    longestGapMillis: 40_000,
    isCombinable: false,
    async inject({ stage }) {
      for (const name of stage.names) stage.member(name).kill();
      return nothingToHeal;
    },
  }),
  scenario({
    id: 'oldest-first',
    title: 'a standby falls behind, all are killed, and the oldest copy is started first',
    holdMillis: 0,
    longestGapMillis: 60_000,
    isCombinable: false,
    async inject({ stage, load, sleep }) {
      const [old = '', newer = ''] = await stage.standbys();
      const primary = await stage.primary();
      await stage.member(old).down();
      await load.waitForWrites(200);
      await Promise.all([primary, newer].map((name) => stage.member(name).down()));
      stage.member(old).up();
      await sleep(4000);
      stage.member(newer).up();
      await sleep(2000);
      stage.member(primary).up();
      return nothingToHeal;
    },
  }),
  scenario({
    id: 'scale',
    title: 'three members become five, then two, then three',
    holdMillis: 0,
    longestGapMillis: 20_000,
    isCombinable: false,
    async inject(world) {
      const { stage } = world;
      const places = stage.places;
      await resize(world, places.slice(0, 5));
      await resize(world, places.slice(0, 2));
      await resize(world, places.slice(0, 3));
      return nothingToHeal;
    },
  }),
];

/** As a StatefulSet does it: configuration first; then the highest ordinals go, one after the other, or come. */
async function resize({ stage, note }: World, names: readonly string[]): Promise<void> {
  const was = stage.names;
  for (const name of stage.places) {
    await stage.member(name).configure((settings) => {
      settings.cluster = { ...settings.cluster, members: names.length };
    });
  }
  // Of all members: those that went in the step before are neither listed nor waited for.
  const { exitCode, output } = await stage.pgwarden(was[0] ?? '', 'reload');
  if (exitCode !== 0) throw new Error(`reload: ${output}`);
  for (const name of was.filter((one) => !names.includes(one)).toReversed()) {
    await stage.member(name).leave();
    stage.setMembers(stage.names.filter((one) => one !== name));
  }
  stage.setMembers(names);
  for (const name of names) stage.member(name).up();
  const millis = await stage.waitUntilComplete(120_000);
  note(`${was.length} → ${names.length} members: ${Math.round(millis / 100) / 10} s`);
}
