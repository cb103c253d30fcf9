import { describe, expect, test } from 'vitest';
import { chooseBackup } from '../../../../src/archive/catalog/choose.ts';
import { isRestorable, recoverableTo } from '../../../../src/archive/catalog/recoverable.ts';
import { knownTimelines, presentTimeline } from '../../../../src/archive/catalog/timelines.ts';
import {
  type Holdings,
  planRetention,
  type RetentionPolicy,
} from '../../../../src/archive/retention/plan.ts';
import { isSpare } from '../../../../src/archive/retention/wal-to-keep.ts';
import { type Millis, millis } from '../../../../src/ha/units.ts';
import { holdingsOf, livedArchive, type Model, randomOf } from './generated.ts';

const SEEDS = Array.from({ length: 400 }, (_, index) => index + 1);
const MINUTE = 60_000;

const policyOf = (seed: number): RetentionPolicy & { readonly count: number | null } => {
  const random = randomOf(seed * 7919);
  const window: Millis | null = random() < 0.6 ? millis(Math.floor(random() * 800) * MINUTE) : null;
  return { window, count: window === null || random() < 0.5 ? 1 + Math.floor(random() * 4) : null };
};

/** Removals in the order in which they are done: of a backup its sentinel counts. */
const stepsOf = (model: Model, plan: ReturnType<typeof planRetention>): string[] => [
  ...plan.remove.map(({ sentinelKey }) => sentinelKey),
  ...model.keys.filter((key) => isSpare(key, plan.wal)),
];
const without = (model: Model, steps: readonly string[]): Model => ({
  ...model,
  keys: model.keys.filter((key) => !steps.includes(key)),
  backups: model.backups.filter(({ sentinelKey }) => !steps.includes(sentinelKey)),
});
/** Of each backup and timeline, how far a restore gets. */
const reachOf = ({ catalog, inventory }: Holdings, ids: ReadonlySet<string>, timelines: readonly number[]) =>
  catalog.backups
    .filter(({ id }) => ids.has(id))
    .flatMap((backup) =>
      timelines.map((timeline) => {
        const way = recoverableTo(inventory, backup, timeline as never);
        return [backup.id, timeline, way === null ? null : way.until] as const;
      }),
    );

describe('over generated archives', () => {
  test('the archives are of many kinds', () => {
    const all = SEEDS.map((seed) => holdingsOf(livedArchive(seed)));
    const plans = all.map((one, index) => planRetention(one, policyOf(index + 1)));
    expect(all.filter(({ inventory }) => inventory.histories.size > 3).length).toBeGreaterThan(50);
    expect(plans.filter(({ remove }) => remove.length > 1).length).toBeGreaterThan(100);
    expect(plans.filter(({ wal }) => wal.besides.length > 0).length).toBeGreaterThan(20);
    expect(
      plans.filter(({ keep }) => keep.some(({ because }) => because === 'parent')).length,
    ).toBeGreaterThan(5);
    expect(
      plans.filter(({ keep }) => keep.some(({ because }) => because === 'before-window')).length,
    ).toBeGreaterThan(50);
  });

  test.each([
    ['whole runs', 1],
    ['runs that are killed half-way', 0.5],
  ])('%s take nothing that a kept backup can use', (_, share) => {
    for (const seed of SEEDS) {
      const model = livedArchive(seed);
      const before = holdingsOf(model);
      const plan = planRetention(before, policyOf(seed));
      const steps = stepsOf(model, plan);
      const done = steps.slice(0, Math.ceil(steps.length * share));
      const now = holdingsOf(without(model, done));
      const timelines = knownTimelines(before.inventory);
      const whole = new Set(
        plan.keep.filter(({ because }) => because !== 'permanent').map(({ backup }) => backup.id),
      );
      expect(reachOf(now, whole, timelines), `seed ${seed}`).toEqual(reachOf(before, whole, timelines));
      for (const { backup, because } of plan.keep) {
        if (because !== 'permanent') continue;
        const was = recoverableTo(before.inventory, backup, backup.timeline);
        const is = recoverableTo(now.inventory, backup, backup.timeline);
        if (was !== null && isRestorable(was))
          expect(is !== null && isRestorable(is), `seed ${seed} ${backup.id}`).toBe(true);
      }
    }
  });

  test('no backup goes that is permanent, of another cluster, in the window, or a parent of one that stays', () => {
    for (const seed of SEEDS) {
      const holdings = holdingsOf(livedArchive(seed));
      const policy = policyOf(seed);
      const { remove, keep } = planRetention(holdings, policy);
      const parents = keep.map(({ backup }) => backup.parent);
      for (const { id, permanent, systemIdentifier, finishedAt } of remove) {
        expect([permanent, systemIdentifier], `seed ${seed}`).toEqual([false, '7']);
        expect(parents).not.toContain(id);
        if (policy.window !== null)
          expect(finishedAt.getTime()).toBeLessThanOrEqual(holdings.now.getTime() - policy.window);
      }
    }
  });

  test('every moment of the window that could be restored to still can, and as many backups are left as asked', () => {
    for (const seed of SEEDS) {
      const model = livedArchive(seed);
      const before = holdingsOf(model);
      const policy = policyOf(seed);
      const now = holdingsOf(without(model, stepsOf(model, planRetention(before, policy))));
      const can = ({ inventory, catalog }: Holdings, time: number): boolean =>
        chooseBackup(
          inventory,
          catalog.backups.filter(({ systemIdentifier }) => systemIdentifier === '7'),
          { target: { kind: 'time', at: new Date(time) }, timeline: 'latest', backup: null },
          () => null,
        ).chosen !== null;
      for (let ago = 0; ago <= (policy.window ?? -1); ago += MINUTE * 20) {
        const time = before.now.getTime() - ago;
        if (can(before, time)) expect(can(now, time), `seed ${seed}, ${ago / MINUTE} min ago`).toBe(true);
      }
      const left = ({ inventory, catalog }: Holdings): number =>
        catalog.backups.filter((backup) => {
          const present = presentTimeline(inventory);
          const way = present === null ? null : recoverableTo(inventory, backup, present);
          return way !== null && isRestorable(way);
        }).length;
      expect(left(now), `seed ${seed}`).toBeGreaterThanOrEqual(Math.min(policy.count ?? 1, left(before)));
    }
  });

  test('a run that was killed anywhere is finished by the next, as if it had not been', () => {
    for (const seed of SEEDS.slice(0, 150)) {
      const model = livedArchive(seed);
      const policy = policyOf(seed);
      const steps = stepsOf(model, planRetention(holdingsOf(model), policy));
      const final = without(model, steps);
      for (let done = 0; done <= steps.length; done += Math.max(1, Math.floor(steps.length / 7))) {
        const interim = without(model, steps.slice(0, done));
        const rest = stepsOf(interim, planRetention(holdingsOf(interim), policy));
        const finished = without(interim, rest);
        expect(finished.keys, `seed ${seed}, ${done} steps`).toEqual(final.keys);
        expect(finished.backups).toEqual(final.backups);
      }
    }
  });
});
