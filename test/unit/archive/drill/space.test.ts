import { tmpdir } from 'node:os';
import { describe, expect, test } from 'vitest';
import { requireRoom, roomFor, watchSpace } from '../../../../src/archive/drill/space.ts';

describe('room for a drill', () => {
  test('is that of the files and of WAL, or a guess where the backup does not tell', () => {
    expect(roomFor(1000, 250, 64)).toBe(1164);
    expect(roomFor(null, 200, 64)).toBe(1164);
    expect(roomFor(10, 1000, 0)).toBe(1100);
  });

  test('is refused where less than the share that stays free would be left', () => {
    const space = { free: 600, total: 1000 };
    expect(() => requireRoom(space, 500, 0.1)).not.toThrow();
    expect(() => requireRoom(space, 501, 0.1)).toThrow(/10 % of its/);
  });
});

describe('the watch of a volume', () => {
  test('ends the drill as soon as too little is free', async () => {
    await expect(watchSpace(tmpdir(), 0.99999, AbortSignal.timeout(5_000))).rejects.toMatchObject({
      code: 'DRILL_NO_SPACE',
    });
  });

  test('ends with the drill where there is room', async () => {
    const end = new AbortController();
    const watched = watchSpace(tmpdir(), 0, end.signal);
    end.abort();
    await expect(watched).resolves.toBeUndefined();
  });
});
