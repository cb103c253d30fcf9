import { expect, test } from 'vitest';
import { asCalled } from '../../../src/commands/as-called.ts';

const INSTALLED = {};
const CLONE = { npm_lifecycle_event: 'pgwarden' };

test('a command to copy begins as the person began theirs', () => {
  expect(asCalled('look with pgwarden demo status', INSTALLED)).toBe('look with pgwarden demo status');
  expect(asCalled('look with pgwarden demo status', CLONE)).toBe('look with npm run pgwarden -- demo status');
  expect(asCalled('run "pgwarden resume" first', CLONE)).toBe('run "npm run pgwarden -- resume" first');
  expect(asCalled('see pgwarden --help', CLONE)).toBe('see npm run pgwarden -- --help');
});

test('the name of the program, and paths with it, stay', () => {
  for (const text of [
    'start pgwarden as that user',
    '/opt/pgwarden status',
    'pgwarden status-page',
    'a pgwarden statuses',
  ]) {
    expect(asCalled(text, CLONE)).toBe(text);
  }
});
