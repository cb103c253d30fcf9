import { describe, expect, it } from 'vitest';
import { PeerAnswerError } from '../../../src/http/errors.ts';
import { decodeHoldAnswer, decodePeerState, decodePromiseAnswer } from '../../../src/http/peer-codec.ts';
import { GRANTED, PEER_STATE } from './scripted-agent.ts';

const wire = (value: unknown): Record<string, unknown> => JSON.parse(JSON.stringify(value));

describe("a peer's answer", () => {
  it('is read as it was written', () => {
    expect(decodePeerState(wire(PEER_STATE))).toEqual(PEER_STATE);
    expect(decodePromiseAnswer(wire(GRANTED))).toEqual(GRANTED);
    const refused = {
      granted: false,
      member: 'pg-1',
      reason: 'it hears the primary',
      promise: 7,
      floor: null,
    };
    expect(decodePromiseAnswer(refused)).toEqual(refused);
    expect(decodeHoldAnswer({ granted: false, identity: null })).toEqual({ granted: false, identity: null });
  });

  it('may have fields of a newer version, and states that say nothing to this one', () => {
    expect(decodePeerState({ ...wire(PEER_STATE), shiny: 1 })).toEqual(PEER_STATE);
    expect(decodePeerState({ ...wire(PEER_STATE), state: 'hibernating' }).state).toBe('unknown');
  });

  it('may be of a version that knows no recovery in place', () => {
    const { kept: _, ...older } = wire(PEER_STATE);
    expect(decodePeerState(older).kept).toBeUndefined();
    expect(decodePeerState({ ...older, kept: { id: 'a1', phase: 'aside' } }).kept).toEqual({
      id: 'a1',
      phase: 'aside',
    });
    expect(() => decodePeerState({ ...older, kept: { id: 'a1', phase: 'gone' } })).toThrow('kept.phase');
  });

  const required = Object.keys(PEER_STATE).filter((field) => field !== 'kept');
  it.each(required)('is refused without %s, naming it', (field) => {
    const state = wire(PEER_STATE);
    delete state[field];
    expect(() => decodePeerState(state)).toThrow(PeerAnswerError);
    expect(() => decodePeerState(state)).toThrow(field);
  });

  it.each([
    ['promise', -1],
    ['promise', 1.5],
    ['promise', '7'],
    ['replayLsn', '0/XYZ'],
    ['replayLsn', 0],
    ['incarnation', 'short'],
    ['streamingFrom', 'pg-0'],
    ['member', ''],
    ['serving', 'yes'],
    ['forks', {}],
    ['forks', [{ timeline: 1 }]],
    ['floor', { epoch: 1 }],
    ['floor', []],
    ['position', 'x'],
    ['replayLag', -1],
    ['tags', null],
  ])('is refused with %s = %j', (field, value) => {
    expect(() => decodePeerState({ ...wire(PEER_STATE), [field]: value })).toThrow(PeerAnswerError);
  });

  it.each([null, 1, 'x', [], true])('is refused as %j', (value) => {
    expect(() => decodePeerState(value)).toThrow(PeerAnswerError);
    expect(() => decodePromiseAnswer(value)).toThrow(PeerAnswerError);
    expect(() => decodeHoldAnswer(value)).toThrow(PeerAnswerError);
  });

  it('never takes a promise without a position for one', () => {
    expect(() => decodePromiseAnswer({ ...wire(GRANTED), position: null })).toThrow('position');
  });
});
