import { finished, type Readable } from 'node:stream';
import type { GetObjectCommandOutput } from '@aws-sdk/client-s3';
import { StoreUnreachableError } from '../../errors.ts';
import { copyInto } from '../content.ts';
import { s3Fault } from './faults.ts';

/** The bytes of an answer; an answer that is cut short ends with an error. */
export async function* wholeBody(
  store: string,
  key: string,
  { Body, ContentLength }: GetObjectCommandOutput,
): AsyncGenerator<Uint8Array> {
  let seen = 0;
  try {
    // In Node.js the body is a Readable; one that is left early destroys its connection.
    for await (const piece of (Body ?? []) as AsyncIterable<Uint8Array>) {
      seen += piece.length;
      yield piece;
    }
  } catch (error) {
    throw s3Fault(store, error);
  }
  requireWhole(store, key, seen, ContentLength);
}

/**
 * The same into memory that is there, from its beginning on: as the pieces of 16 kB come, and not by a turn of the loop
 * for each of them, which costs as much again as receiving them.
 *
 * @returns how many bytes that were
 * @throws RangeError where there is no room for all
 */
export async function bodyInto(
  room: Uint8Array,
  store: string,
  key: string,
  { Body, ContentLength }: GetObjectCommandOutput,
): Promise<number> {
  let seen = 0;
  if (Body !== undefined) {
    // In Node.js the body is a Readable.
    const stream = Body as Readable;
    const end = Promise.withResolvers<void>();
    finished(stream, { writable: false }, (error) => (error ? end.reject(error) : end.resolve()));
    stream.on('data', (piece: Uint8Array) => {
      try {
        copyInto(room, piece, seen);
        seen += piece.length;
      } catch (error) {
        end.reject(error);
        stream.destroy();
      }
    });
    try {
      await end.promise;
    } catch (error) {
      throw error instanceof RangeError ? error : s3Fault(store, error);
    }
  }
  requireWhole(store, key, seen, ContentLength);
  return seen;
}

function requireWhole(store: string, key: string, seen: number, length: number | undefined): void {
  if (length === undefined || seen === length) return;
  throw new StoreUnreachableError(store, `the answer for ${key} ended after ${seen} of ${length} bytes`);
}
