import { randomUUID } from 'node:crypto';
import type { Creation } from '../ports.ts';

type Outcome = 'created' | 'exists' | 'unsupported';

/** The few calls that a probe makes. */
export interface Probed {
  /** With `If-None-Match: *`, whatever is known of the server. */
  createAtomically(key: string, content: Uint8Array): Promise<Outcome>;
  /** The same as an upload of one part, which the condition of its completion is to refuse. */
  completeAtomically(key: string, content: Uint8Array): Promise<Outcome>;
  remove(key: string): Promise<void>;
}

/** How objects are created whole, and how those that go up in parts. */
export interface Creations {
  readonly whole: Creation;
  readonly inParts: Creation;
}

const FIRST = Buffer.from('Two writes under one name: the second must be refused.\n');
const SECOND = Buffer.from('This server does not honour If-None-Match.\n');

/** Whether a server honours `If-None-Match: *`: some refuse the header, and some take it and overwrite. */
export async function probeCreation(store: Probed): Promise<Creations> {
  const key = `pgwarden/probe/${randomUUID()}`;
  try {
    if ((await store.createAtomically(key, FIRST)) !== 'created')
      return { whole: 'looked-up', inParts: 'looked-up' };
    const whole = (await store.createAtomically(key, SECOND)) === 'exists' ? 'atomic' : 'looked-up';
    // Some honour it for whole objects alone.
    const inParts = (await store.completeAtomically(key, SECOND)) === 'exists' ? 'atomic' : 'looked-up';
    return { whole, inParts };
  } finally {
    // What a bucket that forbids deletion keeps does no harm; the probe's word counts.
    await store.remove(key).catch(() => undefined);
  }
}
