/** A value in postgresql.conf (guc-file.l: a quote is doubled, a backslash escapes). */
export function quoteSetting(value: string): string {
  return `'${value.replaceAll('\\', '\\\\').replaceAll("'", "''").replaceAll('\n', '\\n')}'`;
}

/** The value of a line `name = '…'` as `quoteSetting` writes it; null: there is none. */
export function settingIn(text: string, name: string): string | null {
  const line = new RegExp(String.raw`^${name} = '((?:[^'\\]|''|\\.)*)'$`, 'm').exec(text);
  if (line === null) return null;
  return (line[1] ?? '').replaceAll(/''|\\(.)/g, (pair, escaped?: string) =>
    pair === "''" ? "'" : escaped === 'n' ? '\n' : (escaped ?? ''),
  );
}

/** A conninfo string (libpq, "Keyword/Value Connection Strings"). */
export function conninfo(parameters: Readonly<Record<string, string | number>>): string {
  return Object.entries(parameters)
    .map(([name, value]) => `${name}=${quoteConninfo(String(value))}`)
    .join(' ');
}

/** An SQL identifier. */
export function quoteIdentifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** An SQL string, for statements that take no parameters. */
export function quoteLiteral(value: string): string {
  const quoted = `'${value.replaceAll("'", "''").replaceAll('\\', '\\\\')}'`;
  return value.includes('\\') ? `E${quoted}` : quoted;
}

/** A user or database name in pg_hba.conf or pg_ident.conf: quoted, a keyword (`all`) or a list loses its meaning. */
export function quoteHba(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

function quoteConninfo(value: string): string {
  return /^[\w./:-]+$/.test(value) ? value : `'${value.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}
