import { OLDEST_READ, pick, type Scenario, scenario, type World } from './scenario.ts';

const NETWORK = ['network'] as const;

const others = ({ stage }: World, name: string): readonly string[] =>
  stage.names.filter((other) => other !== name);

/** Where an attempt of libpq begins; what refuses it there keeps it from all others. */
async function firstHostLeads({ stage, note }: World): Promise<string> {
  const first = stage.names[0] ?? '';
  const primary = await stage.primary();
  if (primary === first) return first;
  const { output } = await stage.pgwarden(primary, 'switchover', '--target', first);
  note(output.trim());
  await stage.waitUntilComplete(60_000);
  return first;
}

export const network: readonly Scenario[] = [
  scenario({
    id: 'cut-primary',
    title: 'network of the primary cut',
    needs: NETWORK,
    holdMillis: 10_000,
    async inject({ stage }) {
      const name = await stage.primary();
      await stage.network.cut(name);
      return () => stage.network.mend(name);
    },
  }),
  scenario({
    id: 'cut-standby',
    title: 'network of a standby cut',
    needs: NETWORK,
    holdMillis: 10_000,
    async inject(world) {
      const { stage } = world;
      const name = await pick(world, 'standby');
      await stage.network.cut(name);
      return () => stage.network.mend(name);
    },
  }),
  scenario({
    id: 'isolate-primary',
    title:
      'the primary, the first host of the URL, cut off from members and API, but not from clients: plain reads there',
    needs: NETWORK,
    holdMillis: 12_000,
    longestGapMillis: 8000,
    // It chooses the primary itself.
    isCombinable: false,
    async inject(world) {
      const { stage } = world;
      const name = await firstHostLeads(world);
      await stage.gate(name).become({ kind: 'silent' });
      for (const other of others(world, name)) {
        await stage.network.silence(name, other);
        await stage.network.silence(other, name);
      }
      return async () => {
        for (const other of others(world, name)) {
          await stage.network.unsilence(name, other);
          await stage.network.unsilence(other, name);
        }
        await stage.gate(name).become({ kind: 'pass' });
      };
    },
  }),
  scenario({
    id: 'partial-cut',
    title: 'primary and one standby cut off from each other only',
    needs: NETWORK,
    holdMillis: 12_000,
    async inject(world) {
      const { stage } = world;
      const [one, other] = [await stage.primary(), await pick(world, 'standby')];
      await stage.network.silence(one, other);
      await stage.network.silence(other, one);
      return async () => {
        await stage.network.unsilence(one, other);
        await stage.network.unsilence(other, one);
      };
    },
  }),
  scenario({
    id: 'one-way-out',
    title: 'one way: the primary reaches no member, though they reach it',
    needs: NETWORK,
    holdMillis: 12_000,
    async inject(world) {
      const { stage } = world;
      const name = await stage.primary();
      for (const other of others(world, name)) await stage.network.silence(name, other);
      return async () => {
        for (const other of others(world, name)) await stage.network.unsilence(name, other);
      };
    },
  }),
  scenario({
    id: 'one-way-in',
    title: 'one way: nobody reaches the primary, neither members nor API nor clients, though it reaches them',
    needs: NETWORK,
    holdMillis: 12_000,
    async inject(world) {
      const { stage } = world;
      const name = await stage.primary();
      await stage.network.silence(null, name);
      for (const other of others(world, name)) await stage.network.silence(other, name);
      return async () => {
        await stage.network.unsilence(null, name);
        for (const other of others(world, name)) await stage.network.unsilence(other, name);
      };
    },
  }),
  scenario({
    id: 'bad-cable-primary',
    title: 'slow and lossy: 40 to 80 ms each way and 3 % loss on the cable of the primary',
    needs: NETWORK,
    holdMillis: 15_000,
    longestGapMillis: 20_000,
    async inject({ stage }) {
      const name = await stage.primary();
      await stage.network.spoil(name, { delayMillis: 40, jitterMillis: 40, loss: 0.03 });
      return () => stage.network.unspoil(name);
    },
  }),
  scenario({
    id: 'bad-cable-standby',
    title: 'slow and lossy: 100 to 300 ms each way and 10 % loss on the cable of a standby',
    needs: NETWORK,
    holdMillis: 15_000,
    async inject(world) {
      const { stage } = world;
      const name = await pick(world, 'standby');
      await stage.network.spoil(name, { delayMillis: 100, jitterMillis: 200, loss: 0.1 });
      return () => stage.network.unspoil(name);
    },
  }),
  scenario({
    id: 'flapping-cable',
    title: 'the cable of the primary goes in and out, 0.3 to 1.5 s each time',
    needs: NETWORK,
    holdMillis: 500,
    longestGapMillis: 30_000,
    oldestReadMillis: OLDEST_READ,
    async inject({ stage, random, sleep, isLong }) {
      const name = await stage.primary();
      try {
        for (let times = isLong ? 30 : 8; times > 0; times -= 1) {
          await stage.network.cut(name);
          await sleep(random.between(300, 1500));
          await stage.network.mend(name);
          await sleep(random.between(300, 1500));
        }
      } finally {
        await stage.network.mend(name);
      }
      return () => stage.network.mend(name);
    },
  }),
];
