import { expect, test } from 'vitest';
import { whyNoCompose } from '../../../scripts/test/compose-here.mjs';

const nothing = () => false;

test('a Docker engine that answers, and has Compose, is enough', () => {
  expect(whyNoCompose({ platform: 'darwin', uid: 501, answers: () => true })).toBeNull();
});

test('without one, the reason is told, and what to do', () => {
  const withoutCompose = (_command: string, args: readonly string[]) => args[0] === 'info';
  for (const answers of [nothing, withoutCompose]) {
    expect(whyNoCompose({ platform: 'darwin', uid: 501, answers })).toMatch(/start a Docker engine/);
    expect(whyNoCompose({ platform: 'linux', uid: 1000, answers })).toMatch(/by root on Debian only/);
  }
});

test('root of a Debian without Go cannot have the plugin built', () => {
  expect(whyNoCompose({ platform: 'linux', uid: 0, answers: nothing })).toMatch(/no Go|not Debian/);
});
