import { isObject, textProperty, type WireLease } from './wire.ts';

/** A swap names a version of a moment ago; more are only kept for races between watch, reads and swaps. */
const CAPACITY = 16;

/**
 * The last Leases seen, by version: an update must carry over what others keep in a Lease (owners, labels), and a
 * record alone does not tell that. Stores of one cluster may share one, each with a connection of its own.
 */
export class LeaseMemory {
  readonly #leases = new Map<string, WireLease>();

  /** Keeps a Lease as the server gave it; anything else, or one without a uid, is ignored. */
  keep(lease: unknown): void {
    if (!isObject(lease) || textProperty(lease, 'metadata', 'uid') === '') return;
    const key = keyOf(
      textProperty(lease, 'metadata', 'name'),
      textProperty(lease, 'metadata', 'resourceVersion'),
    );
    this.#leases.delete(key);
    this.#leases.set(key, lease as WireLease);
    for (const oldest of this.#leases.keys()) {
      if (this.#leases.size <= CAPACITY) break;
      this.#leases.delete(oldest);
    }
  }

  /** The Lease of that name at exactly that version. */
  get(name: string, resourceVersion: string): WireLease | null {
    return this.#leases.get(keyOf(name, resourceVersion)) ?? null;
  }
}

const keyOf = (name: string, resourceVersion: string): string => `${name}@${resourceVersion}`;
