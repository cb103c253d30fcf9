import { pino } from 'pino';
import type { Epoch, Millis } from '../ha/units.ts';
import type { Log } from './log.ts';
import { LogOutput } from './log-output.ts';
import { redactFields, redactText } from './redact.ts';

export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal';

export interface LoggerOptions {
  readonly member: string;
  readonly level: LogLevel;
  readonly output?: LogOutput;
}

/** The agent's log. */
export interface AgentLog extends Log {
  /** Every later line carries this epoch; null: none. */
  setEpoch(epoch: Epoch | null): void;
  setLevel(level: LogLevel): void;
  /** Before the process exits: waits until the lines are out, at most `within`. */
  flush(within: Millis): Promise<void>;
}

/**
 * JSON lines `{"level","time","member","epoch","event",…,"msg"}` on standard output; `time` is RFC 3339. Every text
 * and field is redacted first (redact.ts). No transport threads of pino's: a line is written where it happens, and a
 * reader that stands still makes lines be dropped, told by `log.dropped` once it reads again.
 */
export function createLogger(options: LoggerOptions): AgentLog {
  const output = options.output ?? new LogOutput();
  let epoch: Epoch | null = null;
  const write = (line: string): void => {
    const dropped = output.isFull ? 0 : output.takeDropped();
    if (dropped > 0)
      logger.warn({ event: 'log.dropped', lines: dropped }, `${dropped} lines could not be written`);
    output.write(line);
  };
  const logger = pino(
    {
      level: options.level,
      base: { member: options.member },
      timestamp: pino.stdTimeFunctions.isoTime,
      mixin: () => (epoch === null ? {} : { epoch }),
      serializers: { err: (value: unknown) => value },
      formatters: { level: (label) => ({ level: label }), log: redactFields },
      hooks: {
        logMethod(args, method) {
          const clean = args.map((arg: unknown) => (typeof arg === 'string' ? redactText(arg) : arg));
          method.apply(this, clean as typeof args);
        },
      },
    },
    { write },
  );
  return {
    debug: (fields, message) => logger.debug(fields, message),
    info: (fields, message) => logger.info(fields, message),
    warn: (fields, message) => logger.warn(fields, message),
    error: (fields, message) => logger.error(fields, message),
    setEpoch: (next) => {
      epoch = next;
    },
    setLevel: (level) => {
      logger.level = level;
    },
    flush: (within) => output.flush(within),
  };
}
