import { isTree, type Tree } from './tree.ts';

export const REDACTED = '(not shown)';

/** Names of parameters and keys whose value is a secret. Names of files (`passwordFile`) are none. */
const SECRET_NAME =
  /(password|passphrase|passwd|secret|token|credential|private_?key)(?!.*(file|encryption|timeout))/i;
/** `password=…` in a connection string, and user:password@ in a URL. */
const SECRET_IN_CONNINFO = /(\b(?:ssl)?password\s*=\s*)('(?:[^'\\]|\\.)*'|[^\s&]+)/gi;
const SECRET_IN_URL = /(\b[a-z][a-z0-9+.-]*:\/\/[^\s/:@]*:)[^\s/@]+(?=@)/gi;
/** `PASSWORD '…'` in SQL. */
const SECRET_IN_SQL = /(\bpassword\s+)(E?'(?:[^']|'')*'|\$\w*\$.*?\$\w*\$)/gis;

/** A configuration (or any plain tree) without secrets, for people, logs and `/v1/config`. */
export function redact<T>(configuration: T): T {
  return redactAt(configuration, '') as T;
}

/** One value at its path (`postgres.parameters.primary_conninfo`) without secrets. */
export function redactValue(path: string, value: unknown): unknown {
  return redactAt(value, path);
}

function redactAt(value: unknown, path: string): unknown {
  if (typeof value === 'string') return redactText(path, value);
  if (Array.isArray(value)) return value.map((item) => redactAt(item, path));
  if (!isTree(value)) return value;
  const redacted: Tree = {};
  for (const [key, inner] of Object.entries(value)) redacted[key] = redactAt(inner, `${path}.${key}`);
  return redacted;
}

function redactText(path: string, value: string): string {
  const name = path.slice(path.lastIndexOf('.') + 1);
  if (SECRET_NAME.test(name)) return REDACTED;
  return value
    .replaceAll(SECRET_IN_CONNINFO, `$1${REDACTED}`)
    .replaceAll(SECRET_IN_URL, `$1${REDACTED}`)
    .replaceAll(SECRET_IN_SQL, `$1${REDACTED}`);
}
