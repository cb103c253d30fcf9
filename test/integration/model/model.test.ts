import { describe, expect, test } from 'vitest';
import { runVariant } from '../../model/run-variant.ts';
import { VARIANTS, type Variant } from '../../model/variants.ts';

const named = (name: string): Variant => {
  const variant = VARIANTS.find((one) => one.name === name);
  if (variant === undefined) throw new RangeError(`there is no variant ${name}`);
  return variant;
};

describe('the model of the protocol', () => {
  test('loses nothing acknowledged in any order of takeovers, crashes, a lost volume and lost replies', async () => {
    const { violated, states } = await runVariant(named('takeover-lost-volume'));
    expect(violated).toBeNull();
    expect(states).toBeGreaterThan(500_000);
  });

  test('has a primary that serves in the end, from every state that it can come to', async () => {
    const { violated, states } = await runVariant(named('progress'));
    expect(violated).toBeNull();
    expect(states).toBeGreaterThan(100_000);
  });

  test.each(['quorum', 'promise-forgotten', 'remove-publish-first'])(
    'would show that a protocol loses what was acknowledged: %s',
    async (name) => {
      const { violated, trail } = await runVariant(named(name));
      expect(violated).toBe('safety');
      expect(trail).toContain('acknowledged up to');
    },
  );

  test.each(['never-bumps', 'tries-again-at-once'])(
    'would show that a protocol stands still or turns in circles: %s',
    async (name) => {
      const { violated, trail } = await runVariant(named(name));
      expect(violated).toBe('progress');
      expect(trail).toContain('from here on there are no faults');
    },
  );
});

test('every variant has a name of its own', () => {
  const names = VARIANTS.map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
});
