import { describe, expect, it } from 'vitest';
import { ServerLog, type ServerMessage } from '../../../src/postgres/process/server-log.ts';

function collect(chunks: readonly string[]): ServerMessage[] {
  const messages: ServerMessage[] = [];
  const log = new ServerLog((message) => messages.push(message));
  for (const chunk of chunks) log.write(chunk);
  log.end();
  return messages;
}

describe('the log of Postgres', () => {
  it('gives each message its severity, SQLSTATE, process and session', () => {
    const [message] = collect([
      '1700000000.123 42 42P01 client backend: (app@db) ERROR:  relation "x" does not exist\n',
    ]);
    expect(message).toMatchObject({
      at: 1700000000.123,
      pid: 42,
      sqlState: '42P01',
      process: 'client backend',
      session: 'app@db',
      severity: 'ERROR',
      message: 'relation "x" does not exist',
    });
  });

  it('joins further lines and additions, however the bytes are cut', () => {
    const text =
      '1.5 42 00000 client backend: (a@b) LOG:  first\n\tsecond\n' +
      '1.5 42 00000 client backend: (a@b) DETAIL:  more\n\tand more\n' +
      '1.5 42 00000 client backend: (a@b) STATEMENT:  select 1\n' +
      '1.6 43 00000 startup: LOG:  other\n';
    for (const size of [1, 7, text.length]) {
      const chunks = text.match(new RegExp(`[^]{1,${size}}`, 'g')) ?? [];
      const [first, second, ...rest] = collect(chunks);
      expect(first?.message).toBe('first\nsecond');
      expect(first?.additions).toEqual({ detail: 'more\nand more', statement: 'select 1' });
      expect(second).toMatchObject({ process: 'startup', session: null, message: 'other' });
      expect(rest).toEqual([]);
    }
  });

  it('passes lines in another format on as they are', () => {
    expect(collect(['flock: cannot open\n'])).toMatchObject([
      { severity: 'LOG', message: 'flock: cannot open', pid: null },
    ]);
  });
});
