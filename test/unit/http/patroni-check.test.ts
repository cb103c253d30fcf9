import { describe, expect, it } from 'vitest';
import type { InstanceState } from '../../../src/ha/peer.ts';
import { isReady, PATRONI_CHECKS, type PatroniCheck, passes } from '../../../src/http/patroni-check.ts';
import type { MemberStatus } from '../../../src/http/ports.ts';
import { PRIMARY, STANDBY } from './scripted-agent.ts';

const CHECKS: readonly PatroniCheck[] = [...new Set(Object.values(PATRONI_CHECKS))];

function yes(status: MemberStatus, query: Record<string, string | string[]> = {}): PatroniCheck[] {
  return CHECKS.filter((check) => passes(check, status, query)).sort();
}

describe("Patroni's health checks", () => {
  it('say yes for a primary with its door open', () => {
    expect(yes(PRIMARY)).toEqual(['health', 'primary', 'read-only', 'read-only-quorum', 'read-only-sync']);
  });

  it('say only that it is healthy for a primary whose door is closed', () => {
    expect(yes({ ...PRIMARY, open: false })).toEqual(['health']);
    expect(yes({ ...PRIMARY, open: false, role: 'none' })).toEqual(['health']);
  });

  it('say yes for a standby by how its acknowledgements count', () => {
    expect(yes(STANDBY)).toEqual(['health', 'quorum', 'read-only', 'read-only-quorum', 'replica']);
    expect(yes({ ...STANDBY, sync: 'sync' })).toEqual([
      'health',
      'read-only',
      'read-only-sync',
      'replica',
      'sync',
    ]);
    for (const sync of ['async', 'potential', null] as const) {
      expect(yes({ ...STANDBY, sync })).toEqual(['async', 'health', 'read-only', 'replica']);
    }
  });

  it.each<InstanceState>([
    'empty',
    'initializing',
    'cloning',
    'rewinding',
    'stopped',
    'starting',
    'stopping',
    'unknown',
  ])('say no to everything while the instance is %s', (state) => {
    for (const role of ['primary', 'standby', 'none'] as const) {
      expect(yes({ ...STANDBY, state, role, open: false })).toEqual([]);
    }
  });

  it('say no to readers while a standby is being promoted', () => {
    expect(yes({ ...STANDBY, state: 'promoting' })).toEqual(['health']);
  });

  it('take a standby that still recovers from the archive, unless streaming is asked for', () => {
    const recovering: MemberStatus = { ...STANDBY, replicationState: 'in archive recovery', sync: null };
    expect(yes(recovering)).toContain('replica');
    expect(yes(recovering, { replication_state: 'streaming' })).not.toContain('replica');
    expect(yes(recovering, { replication_state: 'in archive recovery' })).toContain('replica');
  });

  it('respect the lag, and take an unknown one or an unreadable limit for none', () => {
    const behind: MemberStatus = { ...STANDBY, lagBytes: 10 * 1024 ** 2 };
    expect(passes('replica', behind, { lag: '10MB' })).toBe(true);
    expect(passes('replica', behind, { lag: '10485759' })).toBe(false);
    expect(passes('quorum', behind, { lag: '1MB' })).toBe(false);
    expect(passes('read-only', behind, { lag: '1MB' })).toBe(false);
    expect(passes('read-only', PRIMARY, { lag: '1MB' })).toBe(true);
    expect(passes('replica', behind, { lag: 'ten' })).toBe(true);
    expect(passes('replica', { ...behind, lagBytes: null }, { lag: '0' })).toBe(true);
    expect(passes('replica', behind, { lag: ['1GB', '1'] })).toBe(true);
  });

  it('filter by tags, but never the primary', () => {
    const tagged: MemberStatus = { ...STANDBY, tags: { nofailover: true, nosync: false, priority: 5 } };
    expect(passes('replica', tagged, { tag_nofailover: 'true' })).toBe(true);
    expect(passes('replica', tagged, { tag_failover_priority: '5' })).toBe(true);
    expect(passes('replica', tagged, { tag_nofailover: 'false' })).toBe(false);
    expect(passes('replica', STANDBY, { tag_nofailover: 'false' })).toBe(false);
    expect(passes('replica', tagged, { tag_zone: 'a' })).toBe(false);
    expect(passes('primary', PRIMARY, { tag_zone: 'a' })).toBe(true);
  });

  it('know every path of Patroni 4', () => {
    for (const path of '/ /primary /read-write /leader /standby-leader /replica /read-only /sync /synchronous /read-only-sync /quorum /read-only-quorum /async /asynchronous /health'.split(
      ' ',
    )) {
      expect(PATRONI_CHECKS[path], path).toBeDefined();
    }
  });
});

describe('readiness', () => {
  it('says yes for the primary once its door is open', () => {
    expect(isReady(PRIMARY, {})).toBe(true);
    expect(isReady({ ...PRIMARY, open: false }, {})).toBe(false);
  });

  it('says yes for a standby that streams within 1 MiB, or the lag that is asked for', () => {
    expect(isReady(STANDBY, {})).toBe(true);
    expect(isReady({ ...STANDBY, lagBytes: 1024 ** 2 + 1 }, {})).toBe(false);
    expect(isReady({ ...STANDBY, lagBytes: 1024 ** 2 + 1 }, { lag: '2MB' })).toBe(true);
    expect(isReady({ ...STANDBY, replicationState: 'in archive recovery' }, {})).toBe(false);
    expect(isReady({ ...STANDBY, state: 'starting' }, {})).toBe(false);
  });

  it('counts received WAL in write mode', () => {
    expect(isReady(STANDBY, { lag: '50' })).toBe(false);
    expect(isReady(STANDBY, { lag: '50', mode: 'write' })).toBe(true);
  });
});
