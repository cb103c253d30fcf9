import { Writable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { LogOutput } from '../../../src/agent/log-output.ts';
import { createLogger, type LogLevel } from '../../../src/agent/logger.ts';
import { epoch, millis } from '../../../src/ha/units.ts';

/** A reader that can stand still, as the other end of a full pipe does. */
class Reader extends Writable {
  readonly lines: string[] = [];
  #waiting: (() => void) | null = null;
  still = false;

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.lines.push(chunk.toString());
    if (this.still) this.#waiting = done;
    else done();
  }

  readOn(): void {
    this.still = false;
    this.#waiting?.();
    this.#waiting = null;
  }
}

function logTo(reader: Reader, level: LogLevel = 'info', mostWaiting?: number) {
  const output = new LogOutput(reader, mostWaiting);
  return createLogger({ member: 'pg-0', level, output });
}

describe('the log', () => {
  it('is one JSON object a line with level, time, member, event and message', () => {
    const reader = new Reader();
    logTo(reader).info({ event: 'loop.decision', decision: 'follow' }, 'It follows pg-1');
    expect(reader.lines).toHaveLength(1);
    expect(JSON.parse(reader.lines[0]!)).toEqual({
      level: 'info',
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
      member: 'pg-0',
      event: 'loop.decision',
      decision: 'follow',
      msg: 'It follows pg-1',
    });
  });

  it('carries the epoch from when it is known', () => {
    const reader = new Reader();
    const log = logTo(reader);
    for (const next of [epoch(3), epoch(4), null]) {
      log.setEpoch(next);
      log.info({ event: 'x' }, 'x');
    }
    expect(reader.lines.map((line) => JSON.parse(line).epoch)).toEqual([3, 4, undefined]);
  });

  it('writes nothing below its level, which may change', () => {
    const reader = new Reader();
    const log = logTo(reader, 'warn');
    log.info({ event: 'x' }, 'no');
    log.setLevel('debug');
    log.debug({ event: 'x' }, 'yes');
    expect(reader.lines.map((line) => JSON.parse(line).msg)).toEqual(['yes']);
  });

  it('shows no secret, wherever it stands', () => {
    const reader = new Reader();
    const log = logTo(reader);
    const error = new Error('postgres://u:hunter2@h', { cause: new Error("password='hunter2 x'") });
    log.error(
      { event: 'x', token: 'hunter2', conninfo: 'password=hunter2', err: error, error },
      'Bearer hunter2hunter2',
    );
    expect(reader.lines.join('')).not.toContain('hunter2');
    expect(JSON.parse(reader.lines[0]!).err).toMatchObject({ type: 'Error', cause: { type: 'Error' } });
  });

  it('does not take a message for a format', () => {
    const reader = new Reader();
    logTo(reader).info({ event: 'x' }, '100 %s of %d');
    expect(JSON.parse(reader.lines[0]!).msg).toBe('100 %s of %d');
  });

  it('drops lines while the reader stands still, and says how many once it reads on', async () => {
    const reader = new Reader();
    const log = logTo(reader, 'info', 1_000);
    reader.still = true;
    for (let line = 0; line < 100; line++) log.info({ event: 'x', line }, 'x'.repeat(100));
    expect(reader.writableLength).toBeLessThan(2_000);
    reader.readOn();
    await log.flush(millis(1_000));
    log.info({ event: 'x' }, 'again');
    await log.flush(millis(1_000));
    const lines = reader.lines.map((line) => JSON.parse(line));
    const written = lines.filter((line) => 'line' in line).length;
    expect(lines.find((line) => line.event === 'log.dropped')).toMatchObject({
      level: 'warn',
      lines: 100 - written,
    });
    expect(lines.at(-1).msg).toBe('again');
  });

  it('waits for a reader that stands still no longer than it is told', async () => {
    const reader = new Reader();
    reader.still = true;
    const log = logTo(reader);
    log.info({ event: 'x' }, 'x');
    const began = performance.now();
    await log.flush(millis(50));
    expect(performance.now() - began).toBeLessThan(1_000);
    reader.readOn();
  });

  it('goes on without a reader', () => {
    const reader = new Reader();
    const log = logTo(reader);
    reader.destroy(new Error('EPIPE'));
    expect(() => log.info({ event: 'x' }, 'x')).not.toThrow();
  });
});
