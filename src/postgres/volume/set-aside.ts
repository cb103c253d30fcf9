import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Kept } from '../../ha/view.ts';
import { fileError, PostgresError } from '../errors.ts';
import { makeDirectory, renameDurably } from './durable.ts';
import type { FactFiles, KeptNote } from './facts.ts';
import type { VolumePaths } from './paths.ts';

/**
 * The data and the facts that belong to it go to `kept/<id>` and into a note. The note is written first, and tells what
 * there was: after a crash at any point `carryOn` finishes it. Nothing may run in `data`.
 */
export async function setAside(
  paths: VolumePaths,
  facts: FactFiles,
  { id, generation }: Pick<Kept, 'id' | 'generation'>,
): Promise<void> {
  const found = await facts.kept.read();
  if (found !== null && found.id !== id) throw otherKept(found, id);
  if (found === null || found.phase === 'back') {
    const identity = await facts.identity.read();
    await facts.kept.write({
      id,
      phase: 'moving',
      generation: identity?.generation ?? generation,
      had: (await isFilled(paths.data)) ? 'data' : 'nothing',
      identity,
      floor: await facts.floor.read(),
      breaking: await facts.breaking.read(),
      next: null,
    });
  }
  await carryOn(paths, facts);
}

/**
 * The reverse of `setAside`: what is in the place of the old data goes, and the old data belongs to the life `next` of
 * the cluster. `inPlace`: it was never set aside.
 */
export async function bringBack(
  paths: VolumePaths,
  facts: FactFiles,
  { id, next, inPlace }: { readonly id: string; readonly next: number; readonly inPlace: boolean },
): Promise<void> {
  await carryOn(paths, facts);
  const found = await facts.kept.read();
  if (found !== null && found.id !== id) throw otherKept(found, id);
  if (found?.phase === 'back') return;
  if (found?.had === 'data' && !(await isThere(join(paths.kept, id, 'data'))))
    throw new PostgresError(
      'KEPT_LOST',
      `${join(paths.kept, id, 'data')} is missing: this member's old data was there`,
      'Put it back, or, if the other members have theirs, give this member an empty volume.',
    );
  const note = found ?? {
    id,
    generation: next - 1,
    had: inPlace ? ('in-place' as const) : ('nothing' as const),
    identity: inPlace ? await facts.identity.read() : null,
    floor: inPlace ? await facts.floor.read() : null,
    breaking: inPlace ? await facts.breaking.read() : null,
  };
  await facts.kept.write({ ...note, phase: 'returning', next });
  await carryOn(paths, facts);
}

/** Finishes a move that was cut off; nothing where none was. False: there was none. */
export async function carryOn(paths: VolumePaths, facts: FactFiles): Promise<boolean> {
  const note = await facts.kept.read();
  switch (note?.phase) {
    case 'moving':
      await moveAside(paths, facts, note);
      return true;
    case 'returning':
      await moveBack(paths, facts, note);
      return true;
    default:
      return false;
  }
}

/** What is kept goes for good, and the note last. */
export async function dropKept(paths: VolumePaths, facts: FactFiles, id: string): Promise<void> {
  const note = await facts.kept.read();
  if (note === null) return;
  if (note.id !== id) throw otherKept(note, id);
  await remove(join(paths.kept, id));
  await facts.kept.remove();
}

async function moveAside(paths: VolumePaths, facts: FactFiles, note: KeptNote): Promise<void> {
  const place = join(paths.kept, note.id);
  const kept = join(place, 'data');
  await makeDirectory(place);
  if (note.had === 'data' && !(await isThere(kept))) await renameDurably(paths.data, kept);
  await facts.identity.remove();
  await facts.floor.remove();
  await facts.breaking.remove();
  await facts.kept.write({ ...note, phase: 'aside' });
}

async function moveBack(paths: VolumePaths, facts: FactFiles, note: KeptNote): Promise<void> {
  const place = join(paths.kept, note.id);
  const kept = join(place, 'data');
  const discarded = join(place, 'discarded');
  if (note.had !== 'in-place') {
    // The old data is still aside, or there was none: what is in its place is of the life that is abandoned.
    const isForeign = note.had === 'nothing' || (await isThere(kept));
    if (isForeign && (await isThere(paths.data))) {
      await makeDirectory(place);
      await remove(discarded);
      await renameDurably(paths.data, discarded);
    }
    if (await isThere(kept)) await renameDurably(kept, paths.data);
  }
  if (note.identity === null) await facts.identity.remove();
  else await facts.identity.write({ ...note.identity, generation: lifeOf(note) });
  if (note.floor === null) await facts.floor.remove();
  else await facts.floor.write(note.floor);
  if (note.breaking === null) await facts.breaking.remove();
  else await facts.breaking.write(note.breaking);
  await remove(paths.restoring);
  await facts.kept.write({ ...note, phase: 'back' });
}

/** Data that belonged to no cluster yet still belongs to none. */
function lifeOf({ identity, next, generation }: KeptNote): number | null {
  return identity === null || identity.clusterUID === null ? null : (next ?? generation);
}

function otherKept(found: KeptNote, id: string): PostgresError {
  return new PostgresError(
    'WRONG_STATE',
    `data is kept for the recovery ${found.id}, and not for ${id}`,
    'Confirm that recovery or abandon it first.',
  );
}

async function remove(path: string): Promise<void> {
  try {
    await rm(path, { recursive: true, force: true });
  } catch (error) {
    throw fileError(error, path);
  }
}

async function isThere(path: string): Promise<boolean> {
  return (await stat(path).catch(() => null)) !== null;
}

async function isFilled(path: string): Promise<boolean> {
  return (await readdir(path).catch(() => [])).length > 0;
}
