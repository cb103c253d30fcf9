import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { MUTANTS } from '../../simulation/mutants/mutants.ts';

const places = ['../../../', '../../simulation/'].map((path) => new URL(path, import.meta.url));

function textOf(file: string): string {
  const [product, simulator] = places;
  return readFileSync(new URL(file, file.startsWith('src/') ? product : simulator), 'utf8');
}

describe('the planted mistakes', () => {
  it.each(MUTANTS.map((mutant) => [mutant.name, mutant] as const))('fit the code: %s', (_, { changes }) => {
    for (const { file, from } of changes) expect(textOf(file).split(from)).toHaveLength(2);
  });

  it('have names of their own', () => {
    expect(new Set(MUTANTS.map((mutant) => mutant.name)).size).toBe(MUTANTS.length);
  });
});
