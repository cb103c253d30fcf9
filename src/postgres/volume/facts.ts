import { join } from 'node:path';
import { isLsn, type Lsn } from '../../ha/lsn.ts';
import type { Incarnation, MemberIncarnation } from '../../ha/member.ts';
import type { Floor, Seen } from '../../ha/record.ts';
import { type Epoch, epoch } from '../../ha/units.ts';
import type { Kept } from '../../ha/view.ts';
import { JsonFact } from './json-fact.ts';

/** Who this data directory is. */
export interface Identity {
  readonly incarnation: Incarnation;
  readonly systemIdentifier: string;
  readonly clusterUID: string | null;
  /** The life of that cluster; null: it belongs to none yet. */
  readonly generation: number | null;
  /** It was restored from an archive: the highest epoch in it; null: it was not. */
  readonly inherited: Epoch | null;
}

/** A complete new directory in `incoming` that takes the place of `data`: rolled forward after a crash. */
export interface Install {
  readonly incarnation: Incarnation;
  readonly systemIdentifier: string;
  /** The name that the old directory gets under `aside`; null: there is none to keep. */
  readonly asideAs: string | null;
  /** As in `Identity`. */
  readonly inherited: Epoch | null;
}

/** A work that leaves `data` unusable until it is done. */
export interface Breaking {
  readonly work: 'rewind' | 'replace';
  readonly from: MemberIncarnation;
  readonly switchLsn: Lsn | null;
}

export interface FloorFact {
  readonly floor: Floor;
  readonly timelineEpochs: Readonly<Record<number, Epoch>>;
}

/** What a recovery in place does with this member's data: rolled forward after a crash in `moving` and `returning`. */
export interface KeptNote extends Kept {
  /** Where the data of before is: set aside, nowhere (there was none), or in place (it was never set aside). */
  readonly had: 'data' | 'nothing' | 'in-place';
  /** The facts that belong to it. */
  readonly identity: Identity | null;
  readonly floor: FloorFact | null;
  readonly breaking: Breaking | null;
  /** Once it comes back: the life of the cluster that it then belongs to. */
  readonly next: number | null;
}

/** The facts beside PGDATA, one file each, so that no write touches another fact. */
export function factFiles(directory: string) {
  return {
    identity: new JsonFact(join(directory, 'identity.json'), parseIdentity),
    promise: new JsonFact(join(directory, 'promise.json'), parsePromise),
    floor: new JsonFact(join(directory, 'floor.json'), parseFloor),
    seen: new JsonFact(join(directory, 'seen.json'), parseSeen),
    install: new JsonFact(join(directory, 'install.json'), parseInstall),
    breaking: new JsonFact(join(directory, 'breaking.json'), parseBreaking),
    kept: new JsonFact(join(directory, 'kept.json'), parseKept),
  };
}

export type FactFiles = ReturnType<typeof factFiles>;

function parseIdentity(value: unknown): Identity | null {
  if (!isObject(value)) return null;
  const { incarnation, systemIdentifier, clusterUID } = value;
  if (!isIncarnation(incarnation) || typeof systemIdentifier !== 'string') return null;
  if (clusterUID !== null && typeof clusterUID !== 'string') return null;
  // What was written before there were recoveries in place is of the first life of its cluster.
  const generation = clusterUID === null ? null : isCount(value.generation) ? value.generation : 1;
  return { incarnation, systemIdentifier, clusterUID, generation, inherited: inheritedOf(value.inherited) };
}

function parsePromise(value: unknown): { readonly epoch: Epoch } | null {
  if (!isObject(value) || !isCount(value.epoch)) return null;
  return { epoch: epoch(value.epoch) };
}

function parseFloor(value: unknown): FloorFact | null {
  if (!isObject(value) || !isObject(value.floor) || !isObject(value.timelineEpochs)) return null;
  const { epoch: level, primary, revision } = value.floor;
  if (!isCount(level) || typeof primary !== 'string') return null;
  const timelineEpochs: Record<number, Epoch> = {};
  for (const [timeline, of] of Object.entries(value.timelineEpochs)) {
    if (!/^[1-9]\d*$/.test(timeline) || !isCount(of)) return null;
    timelineEpochs[Number(timeline)] = epoch(of);
  }
  // A floor of an agent that did not count revisions yet.
  const counted = isCount(revision) ? revision : 0;
  return {
    floor: { epoch: epoch(level), primary: primary as MemberIncarnation, revision: counted },
    timelineEpochs,
  };
}

function parseSeen(value: unknown): Seen | null {
  if (!isObject(value)) return null;
  const { clusterUID, epoch: level, revision } = value;
  if (typeof clusterUID !== 'string' || !isCount(level) || !isCount(revision)) return null;
  return { clusterUID, epoch: epoch(level), revision };
}

function parseInstall(value: unknown): Install | null {
  if (!isObject(value)) return null;
  const { incarnation, systemIdentifier, asideAs } = value;
  if (!isIncarnation(incarnation) || typeof systemIdentifier !== 'string') return null;
  if (asideAs !== null && (typeof asideAs !== 'string' || !/^[\w.-]+$/.test(asideAs))) return null;
  return { incarnation, systemIdentifier, asideAs, inherited: inheritedOf(value.inherited) };
}

/** An agent that could not restore did not write it. */
function inheritedOf(value: unknown): Epoch | null {
  return isCount(value) ? epoch(value) : null;
}

function parseBreaking(value: unknown): Breaking | null {
  if (!isObject(value)) return null;
  const { work, from, switchLsn } = value;
  if ((work !== 'rewind' && work !== 'replace') || typeof from !== 'string') return null;
  if (switchLsn !== null && (typeof switchLsn !== 'string' || !isLsn(switchLsn))) return null;
  return { work, from: from as MemberIncarnation, switchLsn };
}

function parseKept(value: unknown): KeptNote | null {
  if (!isObject(value)) return null;
  const { id, phase, generation, had, next } = value;
  if (typeof id !== 'string' || !/^[\w-]+$/.test(id) || !isCount(generation)) return null;
  if (phase !== 'moving' && phase !== 'aside' && phase !== 'returning' && phase !== 'back') return null;
  if (had !== 'data' && had !== 'nothing' && had !== 'in-place') return null;
  if (next !== null && !isCount(next)) return null;
  const identity = value.identity === null ? null : parseIdentity(value.identity);
  const floor = value.floor === null ? null : parseFloor(value.floor);
  const breaking = value.breaking === null ? null : parseBreaking(value.breaking);
  if (identity === null && value.identity !== null) return null;
  if (floor === null && value.floor !== null) return null;
  if (breaking === null && value.breaking !== null) return null;
  return { id, phase, generation, had, next, identity, floor, breaking };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isIncarnation(value: unknown): value is Incarnation {
  return typeof value === 'string' && /^[0-9a-f]{8}$/.test(value);
}
