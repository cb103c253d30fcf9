import type { Random } from '../../simulation/engine/random.ts';
import type { Heal, Scenario, World } from '../scenarios/scenario.ts';

/** In the id of a combination. */
export const BETWEEN_PARTS = '+';
/** Between the faults of one combination. */
const APART_MILLIS = 6000;

/**
 * Some faults at once as one scenario: they begin in this order, up to six seconds apart, and each is healed after its
 * own time. A fault whose victim another has taken away (no such process, no primary for a minute), or that does not see
 * what it waits for, is cut short, and said so: what one fault alone expects need not hold among others, but the checks
 * of every run do. Its gap has no bound of its own but the sum; no bound on plain reads holds if one of them has none.
 */
export function combine(parts: readonly Scenario[]): Scenario {
  const bounds = parts.map(({ oldestReadMillis }) => oldestReadMillis);
  return {
    id: parts.map(({ id }) => id).join(BETWEEN_PARTS),
    title: parts.map(({ title }) => title).join('; '),
    needs: [...new Set(parts.flatMap(({ needs }) => needs))],
    holdMillis: 0,
    longestGapMillis: parts.reduce((sum, part) => sum + part.longestGapMillis + part.holdMillis, 30_000),
    oldestReadMillis: bounds.includes(null) ? null : Math.max(...bounds.map(Number)),
    isCombinable: false,
    async inject(world) {
      const heals: Heal[] = [];
      const begun: Promise<void>[] = [];
      for (const [index, part] of parts.entries()) {
        if (index > 0) await world.sleep(world.random.between(0, APART_MILLIS));
        begun.push(one(world, part, heals));
      }
      await Promise.all(begun);
      return async () => {
        for (const heal of heals) await heal();
      };
    },
  };
}

async function one(world: World, part: Scenario, heals: Heal[]): Promise<void> {
  let heal: Heal;
  try {
    heal = await part.inject(world);
  } catch (error) {
    if (world.signal.aborted) throw error;
    world.note(`${part.id} was cut short: ${(error as Error).message.split('\n')[0]}`);
    return;
  }
  let isHealed = false;
  const once: Heal = async () => {
    if (isHealed) return;
    isHealed = true;
    await heal();
  };
  // Also where the run ends before its time is over.
  heals.push(once);
  await world.sleep(part.holdMillis);
  await once();
}

/** So many combinations of two or three faults; the same random numbers give the same ones. */
export function randomCombinations(
  scenarios: readonly Scenario[],
  count: number,
  random: Random,
): readonly Scenario[] {
  const combinable = scenarios.filter(({ isCombinable }) => isCombinable);
  return Array.from({ length: count }, () => {
    const left = [...combinable];
    const parts = Array.from({ length: random.whole(2, 3) }, () => {
      const index = random.whole(0, left.length - 1);
      return left.splice(index, 1)[0];
    });
    return combine(parts.filter((part) => part !== undefined));
  });
}
