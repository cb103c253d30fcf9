import { describe, expect, test } from 'vitest';
import { decide } from '../../../src/ha/decide.ts';
import { ago, checkpointed, id, memberRecord, primaryView, record, type ViewPatch } from './views.ts';

const tags = { nofailover: true, nosync: false, priority: 0 };
const leads = (patch: ViewPatch = {}) =>
  decide(primaryView({ settings: { tags }, tasks: checkpointed, ...patch }));

describe('a primary that is tagged nofailover', () => {
  test('hands over to a member that may lead and streams', () => {
    expect(leads()).toMatchObject({
      kind: 'announce-end',
      record: { ending: { target: id(1), cause: 'switchover' } },
    });
  });
  test('not before it led for a while: an interruption that failed is not repeated at once', () => {
    expect(leads({ hold: { leadingSince: ago(59_000), renewedAt: ago(500) } }).kind).toBe('wait');
  });
  test('leads on while nobody else may, while paused, and while the API is away', () => {
    const members = [1, 2].map((index) => memberRecord(index, { tags }));
    expect(leads({ members }).kind).toBe('wait');
    expect(leads({ record: record({ paused: true }) }).kind).toBe('wait');
    expect(leads({ seen: { apiReachable: false } }).kind).toBe('wait');
  });
  test('of the others none hands over by itself', () => {
    expect(decide(primaryView()).kind).toBe('wait');
  });
});
