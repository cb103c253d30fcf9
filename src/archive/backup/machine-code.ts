/**
 * The little of WebAssembly's binary format (its specification, chapter 5) that a few functions of integers take: for
 * checksums, of which every byte of a backup has some and for which JavaScript has neither unchecked loads nor vectors.
 */
export type Code = readonly number[];

export const I32 = 0x7f;
export const V128 = 0x7b;

/** A function of 32-bit integers that returns none, or one. */
export interface MachineFunction {
  readonly name: string;
  readonly parameters: number;
  readonly hasResult: boolean;
  /** Types of the variables after the parameters. */
  readonly variables: readonly number[];
  readonly body: Code;
}

/** A module of these functions and of so many pages (64 KiB) of memory, all of them exported; the memory as `memory`. */
export function moduleOf(functions: readonly MachineFunction[], pages: number): Uint8Array<ArrayBuffer> {
  const types = functions.map(({ parameters, hasResult }) => [
    0x60,
    ...vector(Array.from({ length: parameters }, () => [I32])),
    ...vector(hasResult ? [[I32]] : []),
  ]);
  const exports = [
    [...text('memory'), 2, 0],
    ...functions.map(({ name }, index) => [...text(name), 0, ...unsigned(index)]),
  ];
  const bodies = functions.map(({ variables, body }) => {
    const code = [...vector(variables.map((type) => [1, type])), ...body, 0x0b];
    return [...unsigned(code.length), ...code];
  });
  return Uint8Array.from([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, vector(types)),
    ...section(3, vector(functions.map((_, index) => unsigned(index)))),
    ...section(5, vector([[0, ...unsigned(pages)]])),
    ...section(7, vector(exports)),
    ...section(10, vector(bodies)),
  ]);
}

/** The part of WebAssembly's API that is used here: @types/node has none of it. */
interface Machine {
  readonly Module: new (code: Uint8Array<ArrayBuffer>) => object;
  readonly Instance: new (module: object) => { readonly exports: Readonly<Record<string, unknown>> };
}

/** What a module exports; null where this Node.js runs none (`--jitless`). */
export function instantiate(code: Uint8Array<ArrayBuffer>): Readonly<Record<string, unknown>> | null {
  const { WebAssembly: machine } = globalThis as { WebAssembly?: Machine };
  return machine === undefined ? null : new machine.Instance(new machine.Module(code)).exports;
}

export const get = (variable: number): Code => [0x20, ...unsigned(variable)];
export const set = (variable: number, value: Code): Code => [...value, 0x21, ...unsigned(variable)];
export const constant = (value: number): Code => [0x41, ...signed(value)];
export const load = (address: Code, offset = 0): Code => [...address, 0x28, 0, ...unsigned(offset)];
export const store = (address: Code, value: Code, offset = 0): Code => [
  ...[...address, ...value],
  ...[0x36, 0, ...unsigned(offset)],
];
export const add = (one: Code, other: Code): Code => [...one, ...other, 0x6a];
export const and = (one: Code, other: Code): Code => [...one, ...other, 0x71];
export const xor = (one: Code, other: Code): Code => [...one, ...other, 0x73];
export const shiftLeft = (value: Code, bits: number): Code => [...value, ...constant(bits), 0x74];
export const shiftRight = (value: Code, bits: number): Code => [...value, ...constant(bits), 0x76];
/** Does it at least once, and again while `one` is below `other` (unsigned). */
export const doWhileBelow = (body: Code, one: Code, other: Code): Code => [
  ...[0x03, 0x40, ...body],
  ...[...one, ...other, 0x49, 0x0d, 0, 0x0b],
];

/** Four 32-bit integers at once. */
export const loadFour = (address: Code, offset = 0): Code => [...address, 0xfd, 0, 0, ...unsigned(offset)];
export const storeFour = (address: Code, value: Code, offset = 0): Code => [
  ...[...address, ...value],
  ...[0xfd, ...unsigned(11), 0, ...unsigned(offset)],
];
export const xorFour = (one: Code, other: Code): Code => [...one, ...other, 0xfd, ...unsigned(0x51)];
export const multiplyFour = (one: Code, other: Code): Code => [...one, ...other, 0xfd, ...unsigned(0xb5)];
export const shiftRightFour = (value: Code, bits: number): Code => [
  ...[...value, ...constant(bits)],
  ...[0xfd, ...unsigned(0xad)],
];
/** The same one four times. */
export const fourTimes = (value: Code): Code => [...value, 0xfd, ...unsigned(0x11)];

function section(id: number, content: Code): Code {
  return [id, ...unsigned(content.length), ...content];
}

function vector(items: readonly Code[]): Code {
  return [...unsigned(items.length), ...items.flat()];
}

function text(name: string): Code {
  const bytes = Buffer.from(name);
  return [...unsigned(bytes.length), ...bytes];
}

/** LEB128. */
function unsigned(value: number): Code {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...unsigned(value >>> 7)];
}

function signed(value: number): Code {
  const low = value & 0x7f;
  const rest = value >> 7;
  const isLast = (rest === 0 && (low & 0x40) === 0) || (rest === -1 && (low & 0x40) !== 0);
  return isLast ? [low] : [low | 0x80, ...signed(rest)];
}
