import { expect, test } from 'vitest';
import { SharedOverview } from '../../../../src/agent/retention/shared-overview.ts';
import type { ArchiveOverview } from '../../../../src/archive/catalog/overview.ts';

/** Looks that are answered by hand. */
class Looks {
  readonly waiting: PromiseWithResolvers<ArchiveOverview>[] = [];
  readonly shared = new SharedOverview(() => {
    const look = Promise.withResolvers<ArchiveOverview>();
    this.waiting.push(look);
    return look.promise;
  });

  answer(index: number, archive: string): void {
    this.waiting[index]?.resolve({ archive } as ArchiveOverview);
  }
}

const settle = () => new Promise((resolve) => setImmediate(resolve));

test('those who ask at once share one look, and who asks later gets one of its own', async () => {
  const looks = new Looks();
  const asked = [looks.shared.get(), looks.shared.get()];
  await settle();
  looks.answer(0, 'a');
  expect((await Promise.all(asked)).map(({ archive }) => archive)).toEqual(['a', 'a']);
  const later = looks.shared.get();
  await settle();
  looks.answer(1, 'b');
  expect((await later).archive).toBe('b');
  expect(looks.waiting).toHaveLength(2);
});

test('who asks during a look is not told what it saw, but shares the next with all who do', async () => {
  const looks = new Looks();
  const before = looks.shared.get();
  await settle();
  const meanwhile = [looks.shared.get(), looks.shared.get()];
  await settle();
  expect(looks.waiting).toHaveLength(1);
  looks.answer(0, 'old');
  expect((await before).archive).toBe('old');
  await settle();
  looks.answer(1, 'new');
  expect((await Promise.all(meanwhile)).map(({ archive }) => archive)).toEqual(['new', 'new']);
  expect(looks.waiting).toHaveLength(2);
});

test('a look that failed is told to those who asked for it, and to nobody else', async () => {
  const looks = new Looks();
  const failed = looks.shared.get();
  await settle();
  const again = looks.shared.get();
  looks.waiting[0]?.reject(new Error('no store'));
  await expect(failed).rejects.toThrow('no store');
  await settle();
  looks.answer(1, 'there');
  expect((await again).archive).toBe('there');
});
