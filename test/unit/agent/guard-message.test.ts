import { describe, expect, it } from 'vitest';
import { parseGuardMessage } from '../../../src/agent/guard-message.ts';

describe("the guard's lines", () => {
  it('are understood', () => {
    expect(parseGuardMessage('ready 12.5 -900')).toEqual({ kind: 'ready', at: 12.5, oomScoreAdj: -900 });
    expect(parseGuardMessage('pong 3')).toEqual({ kind: 'pong', at: 3 });
    const killed = { kind: 'killed', reason: 'silence', processes: 7, took: 31 };
    expect(parseGuardMessage('killed silence 7 31')).toEqual(killed);
    expect(parseGuardMessage('stuck eof 1 5000')).toEqual({
      kind: 'stuck',
      reason: 'eof',
      processes: 1,
      took: 5_000,
    });
  });

  it('name the holder of the lock, if its content is whole', () => {
    const holder = { agent: 4, guard: 5, host: 'a host', since: '2026-01-01T00:00:00Z' };
    expect(parseGuardMessage(`taken ${JSON.stringify(holder)}`)).toEqual({ kind: 'taken', holder });
    for (const text of ['taken {"agent":4', 'taken ', 'taken', 'taken 7']) {
      expect(parseGuardMessage(text)).toEqual({ kind: 'taken', holder: null });
    }
  });

  it('are ignored where they are none', () => {
    for (const text of ['', 'killed boredom 1 2', 'Use of uninitialized value']) {
      expect(parseGuardMessage(text)).toBeNull();
    }
  });
});
