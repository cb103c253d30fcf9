/** What JSON can say, with whole numbers that no double holds as bigints. */
export type ExactJson =
  | null
  | boolean
  | number
  | bigint
  | string
  | readonly ExactJson[]
  | { readonly [key: string]: ExactJson | undefined };

/** ES2026, "JSON.parse source text access": in Node since 22, in TypeScript's library not yet. */
interface SourceTextJson {
  parse(
    text: string,
    reviver: (key: string, value: unknown, context: { readonly source?: string }) => unknown,
  ): unknown;
  rawJSON(text: string): unknown;
}
const sourceText = JSON as unknown as SourceTextJson;

/**
 * JSON as Go programs write it: system identifiers are numbers of 64 bits, which `JSON.parse` would round.
 *
 * @throws SyntaxError
 */
export function parseExactJson(text: string): unknown {
  return sourceText.parse(text, (_key, value, { source }) =>
    typeof value === 'number' &&
    !Number.isSafeInteger(value) &&
    source !== undefined &&
    /^-?\d+$/.test(source)
      ? BigInt(source)
      : value,
  );
}

/** The other way: bigints become numbers of all their digits. */
export function writeExactJson(value: ExactJson): string {
  return JSON.stringify(value, (_key, one: unknown) =>
    typeof one === 'bigint' ? sourceText.rawJSON(one.toString()) : one,
  );
}
