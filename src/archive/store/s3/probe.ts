import { randomUUID } from 'node:crypto';
import type { Creation } from '../ports.ts';

/** The few calls that a probe makes. */
export interface Probed {
  /** With `If-None-Match: *`, whatever is known of the server. */
  createAtomically(key: string, content: Uint8Array): Promise<'created' | 'exists' | 'unsupported'>;
  remove(key: string): Promise<void>;
}

const FIRST = Buffer.from('Two writes under one name: the second must be refused.\n');
const SECOND = Buffer.from('This server does not honour If-None-Match.\n');

/** Whether a server honours `If-None-Match: *`: some refuse the header, and some take it and overwrite. */
export async function probeCreation(store: Probed): Promise<Creation> {
  const key = `pgwarden/probe/${randomUUID()}`;
  try {
    if ((await store.createAtomically(key, FIRST)) !== 'created') return 'looked-up';
    return (await store.createAtomically(key, SECOND)) === 'exists' ? 'atomic' : 'looked-up';
  } finally {
    await store.remove(key);
  }
}
