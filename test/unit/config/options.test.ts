import { describe, expect, it } from 'vitest';
import { configurationFlags, UnknownFlagError } from '../../../src/config/options.ts';

describe('flags of the command line', () => {
  it('are --set and the generic ones, with = or a space', () => {
    const rest = ['--http.port', '9', '--ha.acks=2', '--postgres.parameters.a.b=x=y', '--ha.leaseDuration='];
    expect(configurationFlags({ set: ['tags.priority=1'] }, rest)).toEqual([
      'tags.priority=1',
      'http.port=9',
      'ha.acks=2',
      'postgres.parameters.a.b=x=y',
      'ha.leaseDuration=',
    ]);
  });

  it.each([[['word']], [['--unknown']], [['--http.port']], [['-x']]])('refuse %j', (rest) => {
    expect(() => configurationFlags({}, rest)).toThrow(UnknownFlagError);
  });
});
