import type { Machine } from '../world/machine.ts';
import type { World } from '../world/world.ts';
import { type Act, later } from './act.ts';
import type { Fault } from './fault.ts';

type Way = readonly [from: string, to: string];

function cut(world: World, fault: Fault, ways: readonly Way[]): void {
  const links = ways.map(([from, to]) => world.network.link(from, to));
  for (const link of links) link.cuts += 1;
  later(world, fault, () => {
    for (const link of links) link.cuts = Math.max(0, link.cuts - 1);
  });
}

function others(world: World, machine: Machine): string[] {
  return world.machines.filter((other) => other !== machine).map((other) => other.name);
}

const both = (name: string, ends: readonly string[]): Way[] =>
  ends.flatMap((end): Way[] => [
    [name, end],
    [end, name],
  ]);

/** Cuts, in both directions and in one; loss, doubling and slowness. `api` is an end like the machines. */
export const OF_NETWORK = {
  'member isolated': (world, fault, machine) =>
    cut(world, fault, both(machine.name, [...others(world, machine), 'api'])),
  'member isolated from members': (world, fault, machine) =>
    cut(world, fault, both(machine.name, others(world, machine))),
  'pair cut': (world, fault, machine, other) => cut(world, fault, both(machine.name, [other.name])),
  'one way cut': (world, fault, machine, other) => cut(world, fault, [[machine.name, other.name]]),
  'nothing goes out': (world, fault, machine) =>
    cut(
      world,
      fault,
      [...others(world, machine), 'api'].map((end): Way => [machine.name, end]),
    ),
  'nothing comes in': (world, fault, machine) =>
    cut(
      world,
      fault,
      [...others(world, machine), 'api'].map((end): Way => [end, machine.name]),
    ),
  'calls repeated': (world, fault, machine) => {
    const links = others(world, machine).map((other) => world.network.link(other, machine.name));
    for (const link of links) link.repeat = 4_000 * fault.amount;
    later(world, fault, () => {
      for (const link of links) link.repeat = 0;
    });
  },
  'network lossy': (world, fault, machine, other) => {
    const links = both(machine.name, [other.name]).map(([from, to]) => world.network.link(from, to));
    for (const link of links)
      Object.assign(link, { loss: 0.1 + 0.5 * fault.amount, slow: 400 * fault.amount });
    later(world, fault, () => {
      for (const link of links) Object.assign(link, { loss: 0, slow: 0 });
    });
  },
} satisfies Record<string, Act>;
