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

test('those who ask at once, and soon after, share one look', async () => {
  const looks = new Looks();
  const asked = [looks.shared.get(), looks.shared.get()];
  looks.answer(0, 'a');
  expect((await Promise.all(asked)).map(({ archive }) => archive)).toEqual(['a', 'a']);
  expect((await looks.shared.get()).archive).toBe('a');
  expect(looks.waiting).toHaveLength(1);
});

test('who asks after a change is not told what a look saw that began before it', async () => {
  const looks = new Looks();
  const before = looks.shared.get();
  looks.shared.forget();
  const after = looks.shared.get();
  looks.answer(1, 'new');
  looks.answer(0, 'old');
  expect([(await before).archive, (await after).archive]).toEqual(['old', 'new']);
  expect((await looks.shared.get()).archive).toBe('new');
});

test('a look that failed is not remembered', async () => {
  const looks = new Looks();
  const failed = looks.shared.get();
  looks.waiting[0]?.reject(new Error('no store'));
  await expect(failed).rejects.toThrow('no store');
  const again = looks.shared.get();
  looks.answer(1, 'there');
  expect((await again).archive).toBe('there');
});
