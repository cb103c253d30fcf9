import { pino } from 'pino';

/** Fields whose value is never written, at any depth that our lines have. */
const SECRET = ['password', 'token', 'authorization', 'passwd', 'secret'];

/** What in a text is a secret: a password in a URL or a conninfo, a bearer token. */
const PATTERNS: readonly [RegExp, string][] = [
  [/(\w+:\/\/[^\s:/@]+:)[^\s@]+@/g, '$1***@'],
  [/(password\s*=\s*)('(?:[^'\\]|\\.)*'|\S+)/gi, '$1***'],
  [/(password\s+)'(?:[^']|'')*'/gi, "$1'***'"],
  [/(bearer\s+)[\w.~+/=-]+/gi, '$1***'],
];

/** A text without the secrets that may be in it. */
export function redactText(text: string): string {
  return PATTERNS.reduce((line, [pattern, replacement]) => line.replace(pattern, replacement), text);
}

/**
 * The log of the agent: JSON lines on standard output, each with a stable `event`. Written synchronously, line by
 * line, as a pipe of the container runtime takes them; no secret is ever written.
 */
export function createLogger(options: { readonly member: string; readonly level: string }): pino.Logger {
  return pino({
    level: options.level,
    base: { member: options.member },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
    redact: {
      paths: SECRET.flatMap((name) => [name, `*.${name}`, `*.*.${name}`]),
      censor: '***',
    },
    hooks: {
      streamWrite: redactText,
    },
  });
}
