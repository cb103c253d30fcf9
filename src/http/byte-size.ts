const UNITS: Readonly<Record<string, number>> = {
  '': 1,
  B: 1,
  kB: 1024,
  MB: 1024 ** 2,
  GB: 1024 ** 3,
  TB: 1024 ** 4,
};

const SIZE =
  /^\s*([+-]?)(0[xX][0-9a-fA-F]+|\d+(?:\.\d*)?(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?)\s*([a-zA-Z]*)\s*$/;

/**
 * A size in bytes as Patroni takes it in `?lag=`: a number, alone or with PostgreSQL's units (`B`, `kB`, `MB`, `GB`,
 * `TB`: upper and lower case matter, each 1024 of the one before). Null: not a size, which Patroni treats as if no
 * limit had been given.
 */
export function parseByteSize(text: string): number | null {
  const match = SIZE.exec(text);
  if (match === null) return null;
  const [, sign, digits = '', unit = ''] = match;
  const factor = UNITS[unit];
  if (factor === undefined) return null;
  // PostgreSQL reads a leading zero as octal, as strtol(3) with base 0 does.
  const value = /^0[0-7]+$/.test(digits) ? Number.parseInt(digits, 8) : Number(digits);
  return Math.round((sign === '-' ? -value : value) * factor);
}
