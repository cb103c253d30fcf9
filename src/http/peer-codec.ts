import { isLsn, type Lsn } from '../ha/lsn.ts';
import { type Incarnation, incarnation, type MemberIncarnation, type MemberName } from '../ha/member.ts';
import type {
  HoldAnswer,
  InstanceState,
  PeerState,
  Position,
  PromiseAnswer,
  TimelineFork,
} from '../ha/peer.ts';
import { INSTANCE_STATES } from '../ha/peer.ts';
import type { Floor, MemberTags, Seen } from '../ha/record.ts';
import { type Epoch, epoch, type Millis, millis, type TimelineId, timelineId } from '../ha/units.ts';
import { PeerAnswerError } from './errors.ts';

/*
 * Decoders of what peers answer. By hand rather than by a schema compiler: they run twice a second for every peer,
 * and the agent needs them before it loads anything heavy. Unknown fields are ignored, so that members of
 * neighbouring versions understand each other during a rolling update; a known field must be right.
 */

type Json = Record<string, unknown>;

const STATES: ReadonlySet<string> = new Set(INSTANCE_STATES);

const MEMBER_INCARNATION = /^[a-z0-9](?:[-a-z0-9.]*[a-z0-9])?-[0-9a-f]{8}$/;

function object(value: unknown, path: string): Json {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new PeerAnswerError(path, 'an object');
  return value as Json;
}

function text(value: unknown, path: string): string {
  if (typeof value !== 'string') throw new PeerAnswerError(path, 'a string');
  return value;
}

function flag(value: unknown, path: string): boolean {
  if (typeof value !== 'boolean') throw new PeerAnswerError(path, 'a boolean');
  return value;
}

function whole(value: unknown, path: string): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value))
    throw new PeerAnswerError(path, 'a whole number');
  return value;
}

function count(value: unknown, path: string): number {
  const number = whole(value, path);
  if (number < 0) throw new PeerAnswerError(path, 'zero or more');
  return number;
}

function nullable<T>(value: unknown, path: string, decode: (value: unknown, path: string) => T): T | null {
  return value === null ? null : decode(value, path);
}

const toEpoch = (value: unknown, path: string): Epoch => epoch(count(value, path));
const toTimeline = (value: unknown, path: string): TimelineId => timelineId(count(value, path));

function toMillis(value: unknown, path: string): Millis {
  if (typeof value !== 'number' || !(value >= 0))
    throw new PeerAnswerError(path, 'a duration in milliseconds');
  return millis(value);
}

function toLsn(value: unknown, path: string): Lsn {
  const lsn = text(value, path);
  if (!isLsn(lsn)) throw new PeerAnswerError(path, 'an LSN');
  return lsn;
}

function toName(value: unknown, path: string): MemberName {
  const name = text(value, path);
  if (name === '') throw new PeerAnswerError(path, 'a member name');
  return name as MemberName;
}

function toIdentity(value: unknown, path: string): MemberIncarnation {
  const identity = text(value, path);
  if (!MEMBER_INCARNATION.test(identity)) throw new PeerAnswerError(path, 'a member-incarnation');
  return identity as MemberIncarnation;
}

function toIncarnation(value: unknown, path: string): Incarnation {
  try {
    return incarnation(text(value, path));
  } catch {
    throw new PeerAnswerError(path, 'an incarnation');
  }
}

function toState(value: unknown, path: string): InstanceState {
  const state = text(value, path);
  // A state that only a newer version knows: nothing can be concluded from it.
  return STATES.has(state) ? (state as InstanceState) : 'unknown';
}

function toPosition(value: unknown, path: string): Position {
  const json = object(value, path);
  return { epoch: toEpoch(json.epoch, `${path}.epoch`), lsn: toLsn(json.lsn, `${path}.lsn`) };
}

function toFloor(value: unknown, path: string): Floor {
  const json = object(value, path);
  return {
    epoch: toEpoch(json.epoch, `${path}.epoch`),
    primary: toIdentity(json.primary, `${path}.primary`),
    revision: count(json.revision, `${path}.revision`),
  };
}

function toSeen(value: unknown, path: string): Seen {
  const json = object(value, path);
  return {
    clusterUID: text(json.clusterUID, `${path}.clusterUID`),
    epoch: toEpoch(json.epoch, `${path}.epoch`),
    revision: count(json.revision, `${path}.revision`),
  };
}

function toTags(value: unknown, path: string): MemberTags {
  const json = object(value, path);
  return {
    nofailover: flag(json.nofailover, `${path}.nofailover`),
    nosync: flag(json.nosync, `${path}.nosync`),
    priority: whole(json.priority, `${path}.priority`),
  };
}

function toForks(value: unknown, path: string): TimelineFork[] {
  if (!Array.isArray(value)) throw new PeerAnswerError(path, 'a list');
  return value.map((item: unknown, index) => {
    const json = object(item, `${path}[${index}]`);
    return {
      timeline: toTimeline(json.timeline, `${path}[${index}].timeline`),
      switchLsn: toLsn(json.switchLsn, `${path}[${index}].switchLsn`),
    };
  });
}

function toKept(value: unknown, path: string): NonNullable<PeerState['kept']> {
  const json = object(value, path);
  const phase = text(json.phase, `${path}.phase`);
  if (phase !== 'moving' && phase !== 'aside' && phase !== 'returning' && phase !== 'back')
    throw new PeerAnswerError(`${path}.phase`, 'a phase of a recovery in place');
  return { id: text(json.id, `${path}.id`), phase };
}

/** The answer of `GET /peer/v1/state`. Throws PeerAnswerError, which names the wrong field. */
export function decodePeerState(value: unknown): PeerState {
  const json = object(value, 'state');
  return {
    member: toName(json.member, 'member'),
    clusterUID: nullable(json.clusterUID, 'clusterUID', text),
    ...(json.kept === undefined ? {} : { kept: nullable(json.kept, 'kept', toKept) }),
    incarnation: nullable(json.incarnation, 'incarnation', toIncarnation),
    systemIdentifier: text(json.systemIdentifier, 'systemIdentifier'),
    state: toState(json.state, 'state'),
    serving: flag(json.serving, 'serving'),
    open: flag(json.open, 'open'),
    floor: nullable(json.floor, 'floor', toFloor),
    seen: nullable(json.seen, 'seen', toSeen),
    promise: toEpoch(json.promise, 'promise'),
    position: nullable(json.position, 'position', toPosition),
    timeline: toTimeline(json.timeline, 'timeline'),
    forks: toForks(json.forks, 'forks'),
    checkpointTimeline: toTimeline(json.checkpointTimeline, 'checkpointTimeline'),
    replayLsn: toLsn(json.replayLsn, 'replayLsn'),
    streamingFrom: nullable(json.streamingFrom, 'streamingFrom', toIdentity),
    hearsPrimary: flag(json.hearsPrimary, 'hearsPrimary'),
    shutdownLsn: nullable(json.shutdownLsn, 'shutdownLsn', toLsn),
    epochOfPrimary: toEpoch(json.epochOfPrimary, 'epochOfPrimary'),
    asksToReturn: flag(json.asksToReturn, 'asksToReturn'),
    ending: flag(json.ending, 'ending'),
    tags: toTags(json.tags, 'tags'),
    replayLag: nullable(json.replayLag, 'replayLag', toMillis),
  };
}

/** The answer of `POST /peer/v1/promise`. Throws PeerAnswerError, which names the wrong field. */
export function decodePromiseAnswer(value: unknown): PromiseAnswer {
  const json = object(value, 'answer');
  if (flag(json.granted, 'granted')) {
    return {
      granted: true,
      identity: toIdentity(json.identity, 'identity'),
      epoch: toEpoch(json.epoch, 'epoch'),
      position: toPosition(json.position, 'position'),
      mayLead: flag(json.mayLead, 'mayLead'),
      priority: whole(json.priority, 'priority'),
      settledEpoch: toEpoch(json.settledEpoch, 'settledEpoch'),
    };
  }
  return {
    granted: false,
    member: toName(json.member, 'member'),
    reason: text(json.reason, 'reason'),
    promise: toEpoch(json.promise, 'promise'),
    floor: nullable(json.floor, 'floor', toFloor),
  };
}

/** The answer of `POST /peer/v1/hold`. Throws PeerAnswerError, which names the wrong field. */
export function decodeHoldAnswer(value: unknown): HoldAnswer {
  const json = object(value, 'answer');
  return {
    granted: flag(json.granted, 'granted'),
    identity: nullable(json.identity, 'identity', toIdentity),
  };
}
