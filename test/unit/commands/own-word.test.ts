import { expect, test } from 'vitest';
import { withOwnWord } from '../../../src/commands/client/own-word.ts';
import type { MemberStatus } from '../../../src/http/ports.ts';
import { aMember } from './speaking-agent.ts';

const own = {
  member: 'pg-1',
  identity: 'pg-1-0000000a',
  role: 'standby',
  state: 'standby',
  primary: 'pg-0-0000000a',
  streamingFrom: 'pg-0-0000000a',
  pendingRestart: ['shared_buffers'],
} as unknown as MemberStatus;

test('what a member says of itself goes before what another saw', () => {
  const seen = aMember('pg-1', { state: 'unreachable', streaming: false });
  expect(withOwnWord(seen, own)).toMatchObject({ state: 'standby', streaming: true, pendingRestart: true });
});

test('a member that cannot be asked stays as it was seen', () => {
  const seen = aMember('pg-1', { state: 'unreachable' });
  expect(withOwnWord(seen, null)).toBe(seen);
});

test('an answer of another member is not taken for its own', () => {
  const seen = aMember('pg-2');
  expect(withOwnWord(seen, own)).toBe(seen);
});
