import { randomBytes } from 'node:crypto';
import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type Incarnation, incarnation } from '../../ha/member.ts';
import type { Epoch } from '../../ha/units.ts';
import { fileError } from '../errors.ts';
import { makeDirectory, renameDurably, syncPath } from './durable.ts';
import type { FactFiles, Identity } from './facts.ts';
import type { VolumePaths } from './paths.ts';

/** A random identity of a data directory: whoever lost its data is somebody new. */
export function newIncarnation(): Incarnation {
  return incarnation(randomBytes(4).toString('hex'));
}

/**
 * Puts the complete directory `incoming` in the place of `data`, which is set aside. The note that is written first
 * makes the rest repeatable: after a crash at any point there is the old directory, or this is finished.
 */
export async function installIncoming(
  paths: VolumePaths,
  facts: FactFiles,
  systemIdentifier: string,
  inherited: Epoch | null,
): Promise<Identity> {
  const old = (await isThere(paths.data)) && (await readdir(paths.data)).length > 0;
  await syncPath(paths.incoming);
  await facts.install.write({
    incarnation: newIncarnation(),
    systemIdentifier,
    asideAs: old ? new Date().toISOString().replace(/[:.]/g, '-') : null,
    inherited,
  });
  const identity = await finishInstall(paths, facts);
  if (identity === null) throw new TypeError('the note of an installation vanished');
  return identity;
}

/** Finishes an installation whose note is there; null: there is none. Nothing may run in `data`. */
export async function finishInstall(paths: VolumePaths, facts: FactFiles): Promise<Identity | null> {
  const install = await facts.install.read();
  if (install === null) return null;
  if (await isThere(paths.incoming)) {
    if (await isThere(paths.data)) {
      if (install.asideAs === null) {
        await rm(paths.data, { recursive: true });
      } else {
        await makeDirectory(paths.aside);
        await renameDurably(paths.data, join(paths.aside, install.asideAs));
      }
    }
    await renameDurably(paths.incoming, paths.data);
  }
  const before = await facts.identity.read();
  const same = before?.systemIdentifier === install.systemIdentifier;
  const identity: Identity = {
    incarnation: install.incarnation,
    systemIdentifier: install.systemIdentifier,
    // What was restored is of the system that it was restored from, and of no cluster yet.
    clusterUID: same && install.inherited === null ? before.clusterUID : null,
    generation: same && install.inherited === null ? before.generation : null,
    inherited: install.inherited,
  };
  await facts.identity.write(identity);
  await facts.breaking.remove();
  await facts.install.remove();
  await keepNewestAside(paths);
  return identity;
}

/** Makes room for a new directory: what an interrupted work left in `incoming` goes. */
export async function clearIncoming(paths: VolumePaths): Promise<void> {
  try {
    await rm(paths.incoming, { recursive: true, force: true });
  } catch (error) {
    throw fileError(error, paths.incoming);
  }
}

async function keepNewestAside(paths: VolumePaths): Promise<void> {
  const names = await readdir(paths.aside).catch(() => []);
  for (const name of names.sort().slice(0, -1)) {
    await rm(join(paths.aside, name), { recursive: true, force: true });
  }
}

async function isThere(path: string): Promise<boolean> {
  return (await stat(path).catch(() => null)) !== null;
}
