/** What stands in the place of a secret. */
export const REDACTED = '[redacted]';

const LONGEST_INPUT = 16_384;
const LONGEST_TEXT = 8_192;
const DEEPEST = 6;
const MOST_ENTRIES = 200;

/** Names of fields whose value is a secret by itself; `passwordFile` and the like are none. */
const SECRET_NAME =
  /(?:pass(?:word|wd|phrase)?|secret|token|authorization|credentials?|private_?key|api_?key|access_?key|cookie)$/i;

/** `'…'` as in libpq, SQL or a settings file (quotes doubled or escaped), also when it was cut off. */
const QUOTED = String.raw`(?:''(?:[^'\\]|\\.)*''|'(?:[^'\\]|\\.|'')*'?)`;

/**
 * Secrets inside text: each pattern with what it becomes. Where the end of a secret is not certain, more is taken
 * rather than less. Repetitions are bounded, since the text may be a client's (a logged statement).
 */
const PATTERNS: readonly (readonly [RegExp, string])[] = [
  [/-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]{0,40}-----|$)/g, REDACTED],
  // ALTER ROLE … PASSWORD '…' and $$…$$ (documentation, section "CREATE ROLE").
  [
    new RegExp(String.raw`\b(PASSWORD\s{1,20})E?(?:${QUOTED}|\$(\w{0,60})\$[\s\S]*?(?:\$\2\$|$))`, 'gi'),
    `$1${REDACTED}`,
  ],
  // What pg_authid.rolpassword holds: enough to log in (md5), or to guess at (SCRAM).
  [/SCRAM-SHA-256\$[^\s'"]+/g, REDACTED],
  [/\bmd5[0-9a-f]{32}\b/g, REDACTED],
  // {"password": "…"}
  [
    /("[\w-]{0,60}(?:password|passwd|secret|token|authorization|key)\\?"\s{0,5}:\s{0,5}\\?")(?:[^"\\]|\\[^"])*/gi,
    `$1${REDACTED}`,
  ],
  // password=…, sslpassword='…', AWS_SECRET_ACCESS_KEY=…, ?token=…
  [
    new RegExp(
      String.raw`((?:password|passwd|passphrase|secret|token|(?:api|access|private)[_-]?key)\s{0,5}=\s{0,5})(?:${QUOTED}|"(?:[^"\\]|\\.)*"?|(?:\\\s|\S)+)`,
      'gi',
    ),
    `$1${REDACTED}`,
  ],
  [
    /\b(authorization["']?\s{0,5}[:=]\s{0,5}["']?)(?:(?:bearer|basic|digest)\s{1,5})?[^\s"']+/gi,
    `$1${REDACTED}`,
  ],
  [/\b(bearer\s{1,5})[\w+/=.~-]{8,}/gi, `$1${REDACTED}`],
  [/\beyJ[\w-]{4,2000}\.[\w-]{2,4000}\.[\w-]{0,2000}/g, REDACTED],
  // scheme://user:password@host; a user alone is kept for Postgres, elsewhere it may be a token.
  [/\b([a-z][a-z0-9+.-]{0,20}:\/\/[^\s:@/]{0,200}:)\S{1,1000}@/gi, `$1${REDACTED}@`],
  [/\b((?!postgres)[a-z][a-z0-9+.-]{0,20}:\/\/)[^\s:@/]{1,1000}@/gi, `$1${REDACTED}@`],
];

/** The text without secrets, and not longer than a line of the log may be. */
export function redactText(text: string): string {
  let clean = text.length > LONGEST_INPUT ? text.slice(0, LONGEST_INPUT) : text;
  for (const [pattern, replacement] of PATTERNS) clean = clean.replace(pattern, replacement);
  const more = text.length - LONGEST_TEXT;
  return more > 0 && clean.length > LONGEST_TEXT ? `${clean.slice(0, LONGEST_TEXT)}… (${more} more)` : clean;
}

/** The fields of a line as plain data without secrets: by the names of fields and within texts, errors included. */
export function redactFields(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return redactEntries(Object.entries(fields), 0, new Set());
}

function redactEntries(
  entries: readonly [string, unknown][],
  depth: number,
  above: Set<object>,
): Record<string, unknown> {
  const clean: Record<string, unknown> = {};
  for (const [name, value] of entries.slice(0, MOST_ENTRIES)) {
    const hidden =
      SECRET_NAME.test(name) && value !== null && value !== undefined && typeof value !== 'boolean';
    clean[name] = hidden ? REDACTED : redactValue(value, depth + 1, above);
  }
  return clean;
}

function redactValue(value: unknown, depth: number, above: Set<object>): unknown {
  if (typeof value === 'string') return redactText(value);
  if (typeof value === 'bigint') return value.toString();
  if (typeof value !== 'object' || value === null) return value;
  if (depth > DEEPEST || above.has(value)) return '[…]';
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
  above.add(value);
  try {
    if (value instanceof Error) return redactEntries(errorEntries(value), depth, above);
    if (Array.isArray(value))
      return value.slice(0, MOST_ENTRIES).map((item) => redactValue(item, depth + 1, above));
    if ('toJSON' in value && typeof value.toJSON === 'function')
      return redactValue(value.toJSON(), depth + 1, above);
    return redactEntries(Object.entries(value), depth, above);
  } finally {
    above.delete(value);
  }
}

/** Message, stack and cause are not enumerable; everything else that an error carries (code, remedy, detail) is. */
function errorEntries(error: Error): [string, unknown][] {
  return [
    ['type', error.name],
    ['message', error.message],
    ...Object.entries(error),
    ['stack', error.stack],
    ...(error.cause === undefined ? [] : [['cause', error.cause] satisfies [string, unknown]]),
  ];
}
