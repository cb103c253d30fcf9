import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pick, type Role, type Scenario, scenario } from './scenario.ts';
import { fakeTimeLibrary } from './why-not.ts';

/** The wall clock of one member, and of it alone, jumps: libfaketime with an offset that is read from a file. */
const jumped = (id: string, title: string, role: Role, offset: string): Scenario =>
  scenario({
    id,
    title,
    needs: ['clock'],
    holdMillis: 15_000,
    longestGapMillis: 15_000,
    isCombinable: false,
    async inject(world) {
      const { stage, note } = world;
      const name = await pick(world, role);
      const offsets = join(stage.dir, `${name}.clock`);
      const set = (seconds: string) => writeFile(offsets, `${seconds}\n`, { mode: 0o644 });
      await set('+0');
      await stage.member(name).upWith({
        LD_PRELOAD: fakeTimeLibrary() ?? '',
        FAKETIME_TIMESTAMP_FILE: offsets,
        FAKETIME_CACHE_DURATION: '1',
        // The monotonic clock never jumps: it is what the protocol counts with.
        FAKETIME_DONT_FAKE_MONOTONIC: '1',
      });
      await stage.waitUntilComplete(60_000);
      if (role === 'primary' && (await stage.primary()) !== name) {
        const { output } = await stage.pgwarden(name, 'switchover', '--target', name);
        note(output);
        await stage.waitUntilComplete(60_000);
      }
      await set(offset);
      return async () => {
        await set('+0');
        await stage.member(name).upWith({});
      };
    },
  });

export const clock: readonly Scenario[] = [
  jumped(
    'clock-primary-ahead',
    'clock of the primary jumps ahead by an hour, later back',
    'primary',
    '+3600',
  ),
  jumped('clock-primary-back', 'clock of the primary jumps back by an hour, later ahead', 'primary', '-3600'),
  jumped('clock-standby-ahead', 'clock of a standby jumps ahead by an hour, later back', 'standby', '+3600'),
];
