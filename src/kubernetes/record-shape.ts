import { isLsn, type Lsn } from '../ha/lsn.ts';
import type { Incarnation, MemberIncarnation, MemberName } from '../ha/member.ts';
import {
  type BeforeRecovery,
  type ClusterRecord,
  type Ending,
  type Floor,
  type HistoryEntry,
  type MemberRecord,
  type MemberTags,
  RECOVERY_STATES,
  type RecoveryGoal,
  type RecoveryOperation,
  type RecoveryPause,
  type Settled,
  type SwitchoverRequest,
} from '../ha/record.ts';
import type { Epoch, TimelineId } from '../ha/units.ts';
import { type Decoder, flag, integer, list, nullable, oneOf, shape, text, textThat } from './decode.ts';

/** The part of a cluster record that the annotation carries: the rest is the Lease's own spec. */
export type RecordBody = Omit<ClusterRecord, 'epoch' | 'holder' | 'leaseDuration'>;

const INCARNATION = /^[0-9a-f]{8}$/;
const IDENTITY = /^.+-[0-9a-f]{8}$/;

const epoch = integer(0, 2 ** 31 - 1) as Decoder<Epoch>;
const timeline = integer(0, 2 ** 32 - 1) as Decoder<TimelineId>;
const lsn: Decoder<Lsn> = textThat('an LSN like 16/B374D848', isLsn);
const identity: Decoder<MemberIncarnation> = textThat('member-incarnation, like pg-0-1f3a9c02', (value) =>
  IDENTITY.test(value),
);
const incarnation: Decoder<Incarnation> = textThat('8 hexadecimal digits', (value) =>
  INCARNATION.test(value),
);
const name: Decoder<MemberName> = textThat('a member name', (value) => value !== '');
const systemIdentifier: Decoder<string> = textThat('a system identifier (digits) or an empty text', (value) =>
  /^[0-9]*$/.test(value),
);
const port = integer(0, 65_535);

const settled = shape<Settled>({
  epoch,
  primary: nullable(identity),
  timeline,
  cohort: list(identity),
  acks: integer(0),
});

const ending = shape<Ending>({
  target: identity,
  cause: oneOf('switchover', 'shutdown', 'restart', 'fence'),
});

const switchover = shape<SwitchoverRequest>({
  target: nullable(name),
  at: nullable(text),
  requestedAt: text,
});

const historyEntry = shape<HistoryEntry>({
  epoch,
  timeline,
  primary: identity,
  at: text,
  cause: text,
  switchLsn: nullable(lsn),
});

const tags = shape<MemberTags>({
  nofailover: flag,
  nosync: flag,
  priority: integer(Number.MIN_SAFE_INTEGER),
});

/** For what an agent of before did not write. */
function ifThere<T>(decoder: Decoder<T>, otherwise: T): Decoder<T> {
  return (value, path) => (value === undefined ? otherwise : decoder(value, path));
}

const revision = ifThere(integer(0), 0);

const floor = shape<Floor>({ epoch, primary: identity, revision });

const recovery = shape<RecoveryOperation>({
  id: text,
  state: oneOf(...RECOVERY_STATES),
  goal: shape<RecoveryGoal>({
    kind: oneOf('latest', 'immediate', 'time', 'lsn', 'xid', 'name'),
    value: text,
    exclusive: flag,
  }),
  timeline,
  backup: text,
  by: name,
  at: text,
  pauses: ifThere(flag, false),
  paused: ifThere(nullable(shape<RecoveryPause>({ at: text, socketDirectory: text })), null),
  before: shape<BeforeRecovery>({
    generation: integer(0),
    systemIdentifier,
    settled,
    highestTimeline: timeline,
    flushLsn: lsn,
    history: list(historyEntry),
  }),
});

const plainBody = shape<Omit<RecordBody, 'recovery' | 'confirmed'>>({
  clusterUID: text,
  generation: integer(0),
  revision,
  systemIdentifier,
  primary: nullable(identity),
  timeline,
  highestTimeline: timeline,
  settled,
  fenced: list(text),
  ending: nullable(ending),
  paused: flag,
  flushLsn: lsn,
  switchover: nullable(switchover),
  history: list(historyEntry),
});

/** The annotation of the Lease `<cluster>`. The fields of a recovery in place are there only where there is one. */
export const recordBody: Decoder<RecordBody> = (value, path) => {
  const body = plainBody(value, path);
  const more = value as { readonly recovery?: unknown; readonly confirmed?: unknown };
  const under = (key: string): string => (path === '' ? key : `${path}.${key}`);
  return {
    ...body,
    ...(more.recovery == null ? {} : { recovery: recovery(more.recovery, under('recovery')) }),
    ...(more.confirmed == null ? {} : { confirmed: text(more.confirmed, under('confirmed')) }),
  };
};

/** The annotation of the Lease `<cluster>-<member>`. */
export const memberBody: Decoder<MemberRecord> = shape<MemberRecord>({
  member: name,
  incarnation: nullable(incarnation),
  systemIdentifier,
  host: text,
  postgresPort: port,
  httpPort: port,
  https: flag,
  floor: nullable(floor),
  tags,
});
