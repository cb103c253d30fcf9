import type { Logger } from '../ports.ts';

/**
 * Our log_line_prefix: epoch seconds, pid, SQLSTATE, kind of process, and for sessions the user and database
 * (documentation, "What to Log"). lc_messages is C, so that the severities below can be known.
 */
export const LOG_LINE_PREFIX = '%n %p %e %b: %q(%u@%d) ';

const LINE = /^(\d+\.\d+) (\d+) ([0-9A-Z]{5}) ([a-z ]+): (?:\((.*?)\) )?([A-Z0-9]+): {2}(.*)$/s;
const ADDITIONS = new Set(['DETAIL', 'HINT', 'CONTEXT', 'STATEMENT', 'QUERY', 'LOCATION']);
const FLUSH_AFTER_MS = 20;
const KEEP_LAST = 20;

/** One message of Postgres with the lines that belong to it. */
export interface ServerMessage {
  /** Seconds since 1970, by the server's clock; null for a line that is not in our format. */
  readonly at: number | null;
  readonly pid: number | null;
  readonly sqlState: string | null;
  readonly process: string | null;
  readonly session: string | null;
  readonly severity: string;
  message: string;
  readonly additions: Record<string, string>;
}

/** Joins the server's standard error into messages: an error, its DETAIL, HINT, … come as lines of their own. */
export class ServerLog {
  readonly #handle: (message: ServerMessage) => void;
  #partial = '';
  #open: ServerMessage | null = null;
  #addition: string | null = null;
  #timer: NodeJS.Timeout | undefined;
  readonly #last: string[] = [];

  constructor(handle: (message: ServerMessage) => void) {
    this.#handle = handle;
  }

  /** The last lines of weight, oldest first: they name the cause when the server does not come up. */
  get last(): readonly string[] {
    return this.#last;
  }

  write(text: string): void {
    const lines = (this.#partial + text).split('\n');
    this.#partial = lines.pop() ?? '';
    for (const line of lines) this.#line(line);
    clearTimeout(this.#timer);
    if (this.#open !== null) this.#timer = setTimeout(() => this.#flush(), FLUSH_AFTER_MS);
  }

  /** Hands over what is still open. */
  end(): void {
    clearTimeout(this.#timer);
    if (this.#partial !== '') this.#line(this.#partial);
    this.#partial = '';
    this.#flush();
  }

  #line(line: string): void {
    // Postgres indents further lines of one message by a tab.
    if (line.startsWith('\t') && this.#open !== null) {
      this.#append(`\n${line.slice(1)}`);
      return;
    }
    const match = LINE.exec(line);
    if (match === null) {
      if (line === '') return;
      this.#flush();
      this.#start({ ...UNKNOWN, severity: 'LOG', message: line, additions: {} });
      return;
    }
    const [, at, pid, sqlState, kind, session, severity, message] = match;
    if (severity !== undefined && ADDITIONS.has(severity) && this.#open?.pid === Number(pid)) {
      this.#addition = severity.toLowerCase();
      this.#open.additions[this.#addition] = message ?? '';
      return;
    }
    this.#flush();
    this.#start({
      at: Number(at),
      pid: Number(pid),
      sqlState: sqlState ?? null,
      process: kind ?? null,
      session: session ?? null,
      severity: severity ?? 'LOG',
      message: message ?? '',
      additions: {},
    });
  }

  #start(message: ServerMessage): void {
    this.#open = message;
    this.#addition = null;
  }

  #append(text: string): void {
    if (this.#open === null) return;
    if (this.#addition === null) this.#open.message += text;
    else this.#open.additions[this.#addition] += text;
  }

  #flush(): void {
    const message = this.#open;
    if (message === null) return;
    this.#open = null;
    this.#addition = null;
    this.#last.push(`${message.severity}: ${message.message}`);
    if (this.#last.length > KEEP_LAST) this.#last.shift();
    this.#handle(message);
  }
}

const UNKNOWN = { at: null, pid: null, sqlState: null, process: null, session: null } as const;

/** Passes a message on as a JSON line; ERROR is the client's affair, so it is a warning of ours. */
export function logServerMessage(logger: Logger, message: ServerMessage): void {
  const { severity, message: text, at, additions, ...rest } = message;
  const fields = { event: 'postgres_log', severity, serverTime: at, ...rest, ...additions };
  logger[LEVELS[severity] ?? 'debug'](fields, text);
}

const LEVELS: Readonly<Record<string, 'info' | 'warn' | 'error'>> = {
  PANIC: 'error',
  FATAL: 'warn',
  ERROR: 'warn',
  WARNING: 'warn',
  LOG: 'info',
  INFO: 'info',
  NOTICE: 'info',
};
