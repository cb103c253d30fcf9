import { archiveReportSchema } from './archive-report.ts';
import { backupReportSchema } from './backup-report.ts';
import { catalogReportSchema } from './catalog-report.ts';
import { flag, list, number, object, oneOf, orNull, ref, text, time, whole } from './json-schema.ts';
import { recoveryReportSchema } from './recovery-report.ts';
import {
  durationSchema,
  epochSchema,
  identitySchema,
  lsnSchema,
  memberNameSchema,
  memberOrAllSchema,
  roleSchema,
  stateSchema,
  tagsSchema,
  timelineSchema,
} from './schemas-common.ts';

const syncSchema = orNull(
  oneOf(['sync', 'quorum', 'potential', 'async'], 'How the primary counts its acknowledgements.'),
);

export const progressSchema = object({
  task: text(),
  startedAt: time(),
  fraction: orNull(number('From 0 to 1; null where the total is not known.')),
  rate: orNull(number('Bytes a second, of late; null where it is not known.')),
  remaining: orNull(number('Milliseconds to the end at that rate; null where it is not known.')),
  detail: text(),
});

const replicationSchema = object({
  applicationName: text(),
  state: text(),
  syncState: text(),
  sentLsn: orNull(lsnSchema),
  flushLsn: orNull(lsnSchema),
  replayLsn: orNull(lsnSchema),
  flushLag: orNull(durationSchema),
  replayLag: orNull(durationSchema),
});

export const memberStatusSchema = object({
  cluster: text(),
  namespace: text(),
  member: memberNameSchema,
  identity: orNull(identitySchema),
  version: text('Version of pgwarden.'),
  role: roleSchema,
  state: stateSchema,
  open: flag('Clients are let in.'),
  epoch: epochSchema,
  settledEpoch: epochSchema,
  timeline: timelineSchema,
  lsn: lsnSchema,
  replayLsn: lsnSchema,
  lagBytes: orNull(whole()),
  replayLag: orNull(durationSchema),
  systemIdentifier: text(),
  clusterUID: orNull(text()),
  primary: orNull(identitySchema),
  postgresVersion: text(),
  postgresVersionNumber: whole('server_version_num; 0 while unknown.'),
  postgresPid: orNull(whole()),
  postmasterStartedAt: orNull(time()),
  pendingRestart: list(text(), 'Settings that wait for a restart of Postgres.'),
  paused: flag(),
  fenced: flag(),
  ending: flag(),
  cohort: list(identitySchema, 'Standbys whose acknowledgement counts.'),
  acks: whole('How many of them a commit waits for; 0: asynchronous.'),
  sync: syncSchema,
  replication: list(replicationSchema, 'Standbys that this member feeds.'),
  streamingFrom: orNull(identitySchema),
  replicationState: orNull(oneOf(['streaming', 'in archive recovery'])),
  tags: tagsSchema,
  leaseMargin: orNull({
    type: 'number',
    description: 'Milliseconds left of the permission to be the primary.',
  }),
  apiLastSeen: orNull(time()),
  lastDecision: object({ kind: text(), reason: text(), at: time() }),
  progress: orNull(ref('Progress')),
  recovery: recoveryReportSchema,
  archive: orNull(archiveReportSchema),
  backup: orNull(backupReportSchema),
  catalog: orNull(catalogReportSchema),
  problems: list(object({ code: text(), message: text(), remedy: text() }), 'What a person should look at.'),
});

const clusterMemberSchema = object({
  name: memberNameSchema,
  identity: orNull(identitySchema),
  role: roleSchema,
  state: { ...stateSchema, enum: [...(stateSchema.enum as string[]), 'unreachable'] },
  host: text(),
  port: whole(),
  http: text("Base URL of the member's agent."),
  timeline: orNull(timelineSchema),
  epoch: orNull(epochSchema),
  lagBytes: orNull(whole()),
  replayLag: orNull(durationSchema),
  sync: syncSchema,
  streaming: flag('A standby that streams from the current primary.'),
  fenced: flag(),
  pendingRestart: flag(),
  tags: tagsSchema,
  progress: orNull(ref('Progress')),
});

export const clusterStatusSchema = object({
  cluster: text(),
  namespace: text(),
  clusterUID: orNull(text()),
  systemIdentifier: text(),
  epoch: epochSchema,
  settledEpoch: epochSchema,
  primary: orNull(memberNameSchema),
  seenAt: orNull(time('The freshest look at the cluster record.')),
  timeline: timelineSchema,
  cohort: list(identitySchema),
  acks: whole(),
  durability: oneOf(['required', 'preferred']),
  paused: flag(),
  fenced: list(memberOrAllSchema),
  ending: orNull(
    object({ target: identitySchema, cause: oneOf(['switchover', 'shutdown', 'restart', 'fence']) }),
  ),
  switchover: orNull(object({ target: orNull(memberNameSchema), at: orNull(time()), requestedAt: time() })),
  recovery: recoveryReportSchema,
  members: list(clusterMemberSchema),
});

export const historySchema = list(
  object({
    epoch: epochSchema,
    timeline: timelineSchema,
    primary: identitySchema,
    at: time(),
    cause: text(),
    switchLsn: orNull(lsnSchema),
  }),
  'The newest last.',
);
