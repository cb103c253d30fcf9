import { flag, type JsonSchema, list, object, orNull, text } from './json-schema.ts';
import {
  durationSchema,
  epochSchema,
  identitySchema,
  incarnationSchema,
  lsnSchema,
  memberNameSchema,
  stateSchema,
  tagsSchema,
  timelineSchema,
} from './schemas-common.ts';

const positionSchema = object({ epoch: epochSchema, lsn: lsnSchema });
const revisionSchema: JsonSchema = {
  type: 'integer',
  minimum: 0,
  description: 'One up with every change of whom a takeover must recruit.',
};
const floorSchema = object({ epoch: epochSchema, primary: identitySchema, revision: revisionSchema });
const seenSchema = object({ clusterUID: text(), epoch: epochSchema, revision: revisionSchema });

const keptPhaseSchema: JsonSchema = {
  type: 'string',
  enum: ['moving', 'aside', 'returning', 'back'],
  description: 'Where a recovery in place has put the data of this member.',
};

export const peerStateSchema = object({
  member: memberNameSchema,
  clusterUID: orNull(text()),
  kept: orNull(object({ id: text(), phase: keptPhaseSchema })),
  incarnation: orNull(incarnationSchema),
  systemIdentifier: text('Empty while there is no data directory.'),
  state: stateSchema,
  serving: flag("The primary's own word that Postgres serves."),
  open: flag('Clients are let in.'),
  floor: orNull(floorSchema),
  seen: orNull(seenSchema),
  promise: epochSchema,
  position: orNull(positionSchema),
  timeline: timelineSchema,
  forks: list(object({ timeline: timelineSchema, switchLsn: lsnSchema })),
  checkpointTimeline: timelineSchema,
  replayLsn: lsnSchema,
  streamingFrom: orNull(identitySchema),
  hearsPrimary: flag(),
  shutdownLsn: orNull(lsnSchema),
  epochOfPrimary: epochSchema,
  asksToReturn: flag(),
  ending: flag(),
  tags: tagsSchema,
  replayLag: orNull(durationSchema),
});

const clusterUID: JsonSchema = {
  type: 'string',
  minLength: 1,
  maxLength: 64,
  description: 'Identity of the cluster.',
};

/** A member of a newer version may say more than this one understands. */
const extensible = (schema: JsonSchema): JsonSchema => ({ ...schema, additionalProperties: true });

export const promiseRequestSchema = extensible(
  object(
    {
      clusterUID,
      candidate: identitySchema,
      epoch: epochSchema,
      recordEpoch: epochSchema,
      recordRevision: revisionSchema,
      generation: {
        type: 'integer',
        minimum: 1,
        description: 'The life of the cluster that the record is of; absent: the first.',
      },
    },
    ['generation'],
  ),
);

export const promiseAnswerSchema: JsonSchema = {
  oneOf: [
    object({
      granted: { const: true },
      identity: identitySchema,
      epoch: epochSchema,
      position: positionSchema,
      mayLead: flag(),
      priority: { type: 'integer' },
      settledEpoch: epochSchema,
    }),
    object({
      granted: { const: false },
      member: memberNameSchema,
      reason: text(),
      promise: epochSchema,
      floor: orNull(floorSchema),
    }),
  ],
};

export const leadRequestSchema = extensible(object({ candidate: identitySchema, epoch: epochSchema }));

export const holdRequestSchema = extensible(
  object({
    primary: identitySchema,
    epoch: epochSchema,
    duration: {
      type: 'number',
      minimum: 0,
      maximum: 3_600_000,
      description: 'Milliseconds, by the peer’s own clock.',
    },
  }),
);

export const holdAnswerSchema = object({ granted: flag(), identity: orNull(identitySchema) });
