import { describe, expect, test } from 'vitest';
import type { Outcome, RegisterOperation } from '../../faults/checker/history.ts';
import { checkRegisters, judge } from '../../faults/checker/linearizability.ts';
import { Random } from '../../simulation/engine/random.ts';

const operation =
  (kind: 'write' | 'read') =>
  (
    value: number,
    invoked: number,
    returned: number,
    outcome: Outcome = 'acknowledged',
  ): RegisterOperation => ({
    key: 1,
    kind,
    value,
    invoked,
    returned,
    outcome,
  });
const write = operation('write');
const read = operation('read');
const verdict = (...operations: RegisterOperation[]): string => judge(operations, 0).verdict;

describe('the linearizability of a register', () => {
  test('holds for nothing at all, and for one thing after the other', () => {
    expect(verdict()).toBe('linearizable');
    expect(verdict(read(0, 0, 1), write(1, 2, 3), read(1, 4, 5), write(2, 6, 7), read(2, 8, 9))).toBe(
      'linearizable',
    );
  });

  test('is violated by a read of what was overwritten before it was sent', () => {
    expect(verdict(write(1, 0, 1), write(2, 2, 3), read(1, 4, 5))).toBe('violated');
  });

  test('is violated by the loss of an acknowledged write', () => {
    expect(judge([write(1, 0, 1), read(0, 2, 3)], 0)).toMatchObject({
      verdict: 'violated',
      stuck: { kind: 'read', value: 0 },
    });
  });

  test('is violated by a value that comes back after another was read', () => {
    const both = [write(1, 0, 10), write(2, 0, 10)];
    expect(verdict(...both, read(1, 11, 12), read(2, 13, 14))).toBe('violated');
    expect(verdict(...both, read(1, 1, 2), read(2, 3, 4), read(1, 5, 6))).toBe('violated');
    expect(verdict(...both, read(1, 1, 2), read(2, 3, 4), read(2, 5, 6))).toBe('linearizable');
  });

  test('is violated by a read of what nobody wrote, or what was refused', () => {
    expect(verdict(read(7, 0, 1))).toBe('violated');
    expect(verdict(write(7, 0, 1, 'refused'), read(7, 2, 3))).toBe('violated');
  });

  test('is violated by a read of a value that is written only later', () => {
    expect(verdict(read(1, 0, 1), write(1, 2, 3))).toBe('violated');
  });

  test('lets a write of unknown outcome take effect late, once, or never', () => {
    const lost = write(1, 0, 1, 'unknown');
    expect(verdict(lost, write(2, 2, 3), read(2, 4, 5))).toBe('linearizable');
    expect(verdict(lost, write(2, 2, 3), read(2, 4, 5), read(1, 6, 7))).toBe('linearizable');
    expect(verdict(lost, read(0, 2, 3), read(1, 4, 5), read(0, 6, 7))).toBe('violated');
    expect(verdict(lost, read(1, 2, 3), write(2, 4, 5), read(1, 6, 7))).toBe('violated');
  });

  test('takes what begins as another ends as concurrent with it', () => {
    expect(verdict(write(1, 0, 5), read(0, 5, 6))).toBe('linearizable');
    expect(verdict(write(1, 0, 5), read(0, 5.001, 6))).toBe('violated');
  });

  test('is judged for each key by itself', () => {
    const at = (key: number, one: RegisterOperation) => ({ ...one, key });
    const history = [
      at(1, write(1, 0, 1)),
      at(2, write(2, 0, 1)),
      at(1, read(1, 2, 3)),
      at(2, read(0, 2, 3)),
    ];
    expect(checkRegisters(history, 0)).toEqual([
      { kind: 'not-linearizable', message: expect.stringContaining('key 2') as string },
    ]);
  });

  test('gives up on too long a search, and says so', () => {
    const many = Array.from({ length: 24 }, (_, index) => write(index + 1, 0, 100));
    expect(judge([...many, read(99, 101, 102)], 0, 10_000)).toEqual({ verdict: 'undecided' });
  });

  /** What really happened at an instant between two ends that are then blurred: linearizable by construction. */
  const happened = (random: Random, clients: number, length: number): RegisterOperation[] => {
    const free = Array.from({ length: clients }, () => 0);
    let value = 0;
    let next = 1;
    return Array.from({ length }, (_, index) => {
      const client = index % clients;
      const at = Math.max(index * 10, (free[client] ?? 0) + 1);
      const invoked = Math.max(free[client] ?? 0, at - random.between(0, 25));
      const returned = at + random.between(0, 25);
      free[client] = returned;
      return { invoked, returned, at, isWrite: random.chance(0.5), isLost: random.chance(0.05) };
    })
      .toSorted((one, other) => one.at - other.at)
      .map(({ invoked, returned, isWrite, isLost }) => {
        if (!isWrite) return read(value, invoked, returned, isLost ? 'unknown' : 'acknowledged');
        const written = next++;
        if (!isLost || random.chance(0.5)) value = written;
        return write(written, invoked, returned, isLost ? 'unknown' : 'acknowledged');
      });
  };

  test('is found in every one of many histories that really were, and in none with a read from long ago', () => {
    for (let seed = 1; seed <= 60; seed += 1) {
      const random = new Random(seed, 'histories');
      const history = happened(random, 4, 200);
      expect({ seed, verdict: verdict(...history) }).toEqual({ seed, verdict: 'linearizable' });
      const end = Math.max(...history.map(({ returned }) => returned));
      const first = history.find(({ kind, outcome }) => kind === 'write' && outcome === 'acknowledged');
      const wrong = [...history, write(9001, end + 1, end + 2), read(first?.value ?? 0, end + 3, end + 4)];
      expect({ seed, verdict: verdict(...wrong) }).toEqual({ seed, verdict: 'violated' });
    }
  });

  test('is judged in a second for a history of thousands of operations', () => {
    const history = happened(new Random(1, 'long'), 6, 4000);
    const began = performance.now();
    expect(verdict(...history)).toBe('linearizable');
    expect(performance.now() - began).toBeLessThan(5000);
  });
});
