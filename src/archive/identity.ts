import * as z from 'zod';
import {
  ArchiveNotReadyError,
  EmptiedArchiveError,
  ForeignArchiveError,
  ObjectDamagedError,
  ObjectMissingError,
  StoreUnreachableError,
} from './errors.ts';
import { BACKUP_FOLDER, IDENTITY_KEY, WAL_FOLDER } from './layout.ts';
import { collect } from './store/content.ts';
import type { ObjectStore } from './store/ports.ts';

/** Whose archive it is. A restore makes another one: a restored twin can never write into its source's. */
export interface ArchiveIdentity {
  readonly clusterUID: string;
  /** Counts the lives of a cluster UID. */
  readonly generation: number;
  readonly systemIdentifier: string;
}

const shape = z.object({
  format: z.literal(1),
  clusterUID: z.string().min(1),
  generation: z.int().min(1),
  systemIdentifier: z.string().regex(/^\d+$/),
});

type Options = { readonly signal: AbortSignal };

/** What the archive says of itself; null: nothing. */
export async function readIdentity(store: ObjectStore, { signal }: Options): Promise<ArchiveIdentity | null> {
  const opened = await store.get(IDENTITY_KEY, { signal }).catch((error: unknown) => {
    if (error instanceof ObjectMissingError) return null;
    throw error;
  });
  if (opened === null) return null;
  const bytes = await collect(opened.body);
  try {
    const { clusterUID, generation, systemIdentifier } = shape.parse(JSON.parse(bytes.toString('utf8')));
    return { clusterUID, generation, systemIdentifier };
  } catch (error) {
    throw new ObjectDamagedError(store.name, IDENTITY_KEY, 'it does not say whose archive this is', error);
  }
}

/**
 * Makes sure that this archive is `own`'s: an empty one becomes it. Called before anything else is written; nothing
 * is written where it fails. `claimed`: the name of the note that says that it was `own`'s before; null: none does.
 *
 * @throws ForeignArchiveError, EmptiedArchiveError
 */
export async function claimArchive(
  store: ObjectStore,
  own: ArchiveIdentity,
  claimed: string | null,
  options: Options,
): Promise<void> {
  const found = await readIdentity(store, options);
  if (found !== null) {
    if (isEarlierLife(found, own)) return await moveOn(store, own, options);
    requireSame(store, found, own);
    await store.prepareToWrite(options);
    return;
  }
  if (claimed !== null) throw new EmptiedArchiveError(store.name, claimed);
  for (const folder of [WAL_FOLDER, BACKUP_FOLDER]) {
    for await (const { key } of store.list(folder, options))
      throw new ForeignArchiveError(
        store.name,
        `an unknown cluster (it has ${key}, and no identity)`,
        describe(own),
      );
  }
  await store.prepareToWrite(options);
  if ((await store.create(IDENTITY_KEY, contentOf(own), options)) === 'created') return;
  const other = await readIdentity(store, options);
  if (other === null) throw new StoreUnreachableError(store.name, 'who made its identity took it away');
  requireSame(store, other, own);
}

/**
 * Makes sure, by reading alone, that this archive is `own`'s.
 *
 * @throws ForeignArchiveError, EmptiedArchiveError; ArchiveNotReadyError while nobody has claimed it
 */
export async function requireOwn(
  store: ObjectStore,
  own: ArchiveIdentity,
  claimed: string | null,
  options: Options,
): Promise<void> {
  const found = await readIdentity(store, options);
  if (found !== null && isEarlierLife(found, own))
    throw new ArchiveNotReadyError(
      store.name,
      'the primary has not moved it to the present life of the cluster yet',
    );
  if (found !== null) requireSame(store, found, own);
  else if (claimed !== null) throw new EmptiedArchiveError(store.name, claimed);
  else throw new ArchiveNotReadyError(store.name, 'the primary has not begun the archive yet');
}

/** The same cluster before it was recovered in place. */
export function isEarlierLife(found: ArchiveIdentity, own: ArchiveIdentity): boolean {
  return (
    found.clusterUID === own.clusterUID &&
    found.systemIdentifier === own.systemIdentifier &&
    found.generation < own.generation
  );
}

/**
 * The archive goes on with the cluster's next life, whose primary claims it before its first object. A primary of an
 * earlier life finds itself refused from here on: lives only go up.
 */
async function moveOn(store: ObjectStore, own: ArchiveIdentity, options: Options): Promise<void> {
  await store.prepareToWrite(options);
  await store.put(IDENTITY_KEY, contentOf(own), options);
  const written = await readIdentity(store, options);
  if (written === null) throw new StoreUnreachableError(store.name, 'who made its identity took it away');
  requireSame(store, written, own);
}

function contentOf({ clusterUID, generation, systemIdentifier }: ArchiveIdentity): Buffer {
  return Buffer.from(`${JSON.stringify({ format: 1, clusterUID, generation, systemIdentifier })}\n`);
}

function requireSame(store: ObjectStore, found: ArchiveIdentity, own: ArchiveIdentity): void {
  const same =
    found.clusterUID === own.clusterUID &&
    found.generation === own.generation &&
    found.systemIdentifier === own.systemIdentifier;
  if (!same) throw new ForeignArchiveError(store.name, describe(found), describe(own));
}

function describe({ clusterUID, generation, systemIdentifier }: ArchiveIdentity): string {
  return `cluster ${clusterUID}, generation ${generation}, system identifier ${systemIdentifier}`;
}
