import { existsSync, readdirSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { memberOf } from '../../../src/ha/member.ts';
import type { ClusterRecord } from '../../../src/ha/record.ts';
import { getLease, recordOf } from '../../e2e/leases.ts';
import { waitFor } from '../../e2e/wait-for.ts';
import { ballast } from './ballast.ts';
import { nothingToHeal, type Scenario, scenario, type World } from './scenario.ts';

const NETWORK = ['network'] as const;
/** From the signal until the next agent runs: what `cancelAll` waits for must not be a copy of gigabytes. */
const LEAVES_MILLIS = 10_000;
/** To notice that the source is gone (15 s), to clone from another one, and to settle. */
const SERVES_AGAIN_MILLIS = 60_000;

/** A standby is made anew over a network so narrow that it is in the middle of it when `happens` is called with its name. */
async function duringClone(
  world: World,
  kilobits: number,
  happens: (emptied: string) => Promise<void>,
): Promise<void> {
  const { stage, sleep, note } = world;
  const [emptied = ''] = await stage.standbys();
  const member = stage.member(emptied);
  await ballast(world, 40);
  await member.down();
  for (const entry of await readdir(member.demo.volume)) {
    await rm(join(member.demo.volume, entry), { recursive: true });
  }
  await stage.network.narrow(emptied, kilobits);
  try {
    member.up();
    const incoming = join(member.demo.volume, 'incoming');
    await waitFor('the clone to begin', () => existsSync(join(incoming, 'base')) || hasBase(incoming), {
      intervalMillis: 20,
    });
    await sleep(1500);
    note(existsSync(incoming) ? 'the clone was under way' : 'the clone was over already');
    await happens(emptied);
  } finally {
    await stage.network.widen(emptied);
  }
}

const hasBase = (incoming: string): boolean => {
  try {
    return readdirSync(incoming).some((entry) => existsSync(join(incoming, entry, 'base')));
  } catch {
    return false;
  }
};

export const clones: readonly Scenario[] = [
  scenario({
    id: 'primary-lost-during-clone',
    title: 'a standby is made anew over a narrow network, and the primary is killed in the middle of it',
    needs: NETWORK,
    holdMillis: 0,
    longestGapMillis: 20_000,
    isCombinable: false,
    async inject(world) {
      const { stage } = world;
      await duringClone(world, 40_000, async () => {
        stage.member(await stage.primary()).kill();
      });
      return nothingToHeal;
    },
  }),
  scenario({
    id: 'primary-cut-during-clone',
    title:
      'a standby is made anew over a narrow network, and the network of the primary is cut in the middle of it, until somebody else serves',
    needs: NETWORK,
    holdMillis: 0,
    // Nothing is acknowledged before the clone was begun anew, from the new primary, and is over: one of two must have it.
    longestGapMillis: SERVES_AGAIN_MILLIS,
    isCombinable: false,
    async inject(world) {
      const { stage, expect, note } = world;
      const primary = await stage.primary();
      try {
        await duringClone(world, 8000, async (emptied) => {
          // Who it was still counts for a while; without it the other one can take over alone.
          await waitFor('the lost standby to be out of the cohort', async () => {
            const { settled } = recordOf(await getLease({ api: stage.apiUrl }));
            const { cohort } = settled as ClusterRecord['settled'];
            return !cohort.some((identity) => memberOf(identity) === emptied);
          });
          await stage.network.cut(primary);
        });
        const began = performance.now();
        const next = await waitFor(
          'another primary that serves',
          async () => {
            const serving = await stage.servingNow();
            return serving === primary ? null : serving;
          },
          { timeoutMillis: SERVES_AGAIN_MILLIS },
        ).catch(() => null);
        const millis = Math.round(performance.now() - began);
        expect(next !== null, `nobody else served ${millis} ms after the primary was lost during a clone`);
        if (next !== null) note(`${next} served ${millis} ms after the primary was lost`);
      } finally {
        await stage.network.mend(primary);
      }
      return nothingToHeal;
    },
  }),
  scenario({
    id: 'agent-stopped-during-clone',
    title: 'a standby is made anew over a narrow network, and its agent gets SIGTERM in the middle of it',
    needs: NETWORK,
    holdMillis: 0,
    longestGapMillis: 5000,
    isCombinable: false,
    async inject(world) {
      const { stage, expect, note } = world;
      await duringClone(world, 8000, async (emptied) => {
        const member = stage.member(emptied);
        const began = performance.now();
        const [before] = member.signal('agent', 'SIGTERM');
        const next = await waitFor(
          'another agent',
          () => member.find('agent').some(({ pid }) => pid !== before?.pid),
          { timeoutMillis: LEAVES_MILLIS },
        ).catch(() => false);
        const millis = Math.round(performance.now() - began);
        expect(next, `its agent had not ended ${millis} ms after SIGTERM`);
        note(`another agent after ${millis} ms`);
        // Where it hangs, the rest of the run is as after a kubelet's patience.
        if (!next) member.kill();
      });
      return nothingToHeal;
    },
  }),
];
