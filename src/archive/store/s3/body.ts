import type { GetObjectCommandOutput } from '@aws-sdk/client-s3';
import { StoreUnreachableError } from '../../errors.ts';
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
  if (ContentLength !== undefined && seen !== ContentLength)
    throw new StoreUnreachableError(
      store,
      `the answer for ${key} ended after ${seen} of ${ContentLength} bytes`,
    );
}
