import { currentWorld } from './current.ts';

/** Stands in for `node:crypto` where the product makes an identifier up: the same seed gives the same one. */
export function randomUUID(): string {
  const { identifiers } = currentWorld().random;
  const word = (): string => identifiers.whole(0, 0xffffffff).toString(16).padStart(8, '0');
  const digits = `${word()}${word()}${word()}`;
  return `${digits.slice(0, 8)}-${digits.slice(8, 12)}-4${digits.slice(12, 15)}-8${digits.slice(15, 18)}-${word()}${digits.slice(18, 22)}`;
}
