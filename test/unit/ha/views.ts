import { LSN_ZERO, type Lsn, lsnAt } from '../../../src/ha/lsn.ts';
import {
  incarnation,
  type MemberIncarnation,
  type MemberName,
  memberIncarnation,
  memberName,
} from '../../../src/ha/member.ts';
import type { PeerState, PromiseAnswer, TimelineFork } from '../../../src/ha/peer.ts';
import { synchronousStandbyNames } from '../../../src/ha/quorum.ts';
import type { ClusterRecord, Cohort, MemberRecord, Settled } from '../../../src/ha/record.ts';
import { epoch, type Instant, instant, millis, timelineId } from '../../../src/ha/units.ts';
import type {
  HaSettings,
  HoldView,
  LocalView,
  PeerView,
  RecordView,
  Recruitment,
  ServerView,
  Task,
  View,
  Walsender,
  Wishes,
} from '../../../src/ha/view.ts';

/** The instant of every view, unless it says otherwise. */
export const NOW = instant(1_000_000);
export const UID = 'uid-1';
export const SYSTEM = '7000000000000000001';

/** So many milliseconds before the view's now. */
export const ago = (ms: number): Instant => instant(NOW - ms);
export const name = (index: number): MemberName => memberName(`pg-${index}`);
/** The identity of member `index`; another `life` is another incarnation. */
export const id = (index: number, life = 1): MemberIncarnation =>
  memberIncarnation(name(index), incarnation(`${index}`.padStart(4, '0') + `${life}`.padStart(4, '0')));
export const ids = (...indices: number[]): MemberIncarnation[] => indices.map((index) => id(index));
export const holderOf = (index: number, boot = 1): string => `pg-${index}/pod/${boot}`;
export const lsn = (position: number): Lsn => lsnAt(position);
export const cohort = (acks: number, ...indices: number[]): Cohort => ({ members: ids(...indices), acks });
export const fork = (timeline: number, at: number): TimelineFork => ({
  timeline: timelineId(timeline),
  switchLsn: lsn(at),
});

/** Where WAL ends by default. */
export const END = 5_000;

export const SETTINGS: HaSettings = {
  expectedMembers: [name(0), name(1), name(2)],
  durability: 'required',
  acks: null,
  leaseDuration: millis(10_000),
  renewInterval: millis(3_000),
  drift: 0.01,
  stopTimeout: millis(2_000),
  suspectAfter: millis(1_000),
  recruitTimeout: millis(500),
  staleReadBound: millis(3_000),
  hungAfter: millis(10_000),
  dropAfter: millis(10_000),
  stuckAfter: millis(60_000),
  maximumLagOnFailover: 1_000,
  tags: { nofailover: false, nosync: false, priority: 0 },
};

export const expecting = (members: number): Partial<HaSettings> => ({
  expectedMembers: Array.from({ length: members }, (_, index) => name(index)),
});

/** Before pg-0 took over, pg-2 led: among equals pg-1, which never did, goes first. */
const HISTORY = [2, 0].map((index, before) => ({
  epoch: epoch(2 + before),
  timeline: timelineId(2 + before),
  primary: id(index),
  at: '2026-01-01T00:00:00.000Z',
  cause: 'failover',
  switchLsn: null,
}));

/** Epoch 3 of pg-0, settled, `ANY 1 (pg-1, pg-2)`, on timeline 3. */
export function record(patch: Partial<ClusterRecord> = {}): ClusterRecord {
  return {
    clusterUID: UID,
    generation: 1,
    systemIdentifier: SYSTEM,
    epoch: epoch(3),
    revision: 7,
    holder: holderOf(0),
    primary: id(0),
    timeline: timelineId(3),
    highestTimeline: timelineId(3),
    settled: settledAs({}),
    fenced: [],
    ending: null,
    paused: false,
    flushLsn: lsn(END),
    switchover: null,
    history: HISTORY,
    leaseDuration: millis(10_000),
    ...patch,
  };
}

export function settledAs(patch: Partial<Settled>): Settled {
  return {
    epoch: epoch(3),
    primary: id(0),
    timeline: timelineId(3),
    cohort: ids(1, 2),
    acks: 1,
    ...patch,
  };
}

/** Epoch 4, won by a member and not settled; epoch 3 of pg-0 is the last settled one. */
export function wonBy(index: number, patch: Partial<ClusterRecord> = {}): ClusterRecord {
  return record({
    epoch: epoch(4),
    primary: id(index),
    holder: holderOf(index),
    timeline: timelineId(4),
    highestTimeline: timelineId(4),
    ...patch,
  });
}

/** The forks that lead to a timeline of the default history: each timeline ends at a thousand times its number. */
export const forksTo = (timeline: number): TimelineFork[] =>
  Array.from({ length: timeline - 1 }, (_, index) => fork(index + 1, (index + 1) * 1_000));

export function walsender(index: number, patch: Partial<Walsender> = {}): Walsender {
  return {
    identity: id(index),
    pid: 100 + index,
    streaming: true,
    hasSlot: true,
    syncState: 'quorum',
    sentLsn: lsn(END),
    flushLsn: lsn(END),
    replayLsn: lsn(END),
    repliedAt: ago(100),
    ...patch,
  };
}

export function server(patch: Partial<ServerView> = {}): ServerView {
  return {
    inRecovery: true,
    promoting: false,
    timeline: timelineId(3),
    forks: forksTo(3),
    flushLsn: lsn(END),
    replayLsn: lsn(END),
    atEndOfWal: true,
    checkpointTimeline: timelineId(3),
    receiver: null,
    follows: null,
    synchronousStandbyNames: 'ANY 1 ("nobody")',
    walsenders: [],
    lastRow: null,
    settledEpoch: epoch(3),
    doorOpen: true,
    doorInDoubt: false,
    prepared: true,
    commitsWaiting: 0,
    replayLag: null,
    ...patch,
  };
}

/** A running primary whose two standbys stream. */
export function primaryServer(patch: Partial<ServerView> = {}): ServerView {
  return server({
    inRecovery: false,
    atEndOfWal: false,
    synchronousStandbyNames: synchronousStandbyNames(cohort(1, 1, 2)),
    walsenders: [walsender(1), walsender(2)],
    ...patch,
  });
}

/** A standby that streams from a member, heard just now. */
export function streamingFrom(index: number, patch: Partial<ServerView> = {}): ServerView {
  return server({
    atEndOfWal: false,
    receiver: { pid: 50, streaming: true, heardAt: ago(100), timeline: timelineId(3) },
    follows: id(index),
    ...patch,
  });
}

export function local(index: number, patch: Partial<LocalView> = {}): LocalView {
  return {
    state: 'standby',
    observedAt: NOW,
    data: 'present',
    systemIdentifier: SYSTEM,
    clusterUID: UID,
    generation: 1,
    kept: null,
    identity: id(index),
    floor: { epoch: epoch(3), primary: id(0), revision: 7 },
    promise: epoch(0),
    timelineEpochs: { 1: epoch(1), 2: epoch(2), 3: epoch(3) },
    provenDead: false,
    control: null,
    timeline: timelineId(3),
    endOfWal: lsn(END),
    forks: forksTo(3),
    walRemoved: false,
    inherited: null,
    settingsTooLow: false,
    server: null,
    silentSince: null,
    ...patch,
  };
}

export function peer(index: number, patch: Partial<PeerState> = {}, seen: Partial<PeerView> = {}): PeerView {
  const member = name(index);
  return {
    member,
    state: peerState(index, patch),
    answeredAt: ago(100),
    last: 'answered',
    lastAt: ago(100),
    postgres: 'unknown',
    ...seen,
  };
}

export function peerState(index: number, patch: Partial<PeerState> = {}): PeerState {
  return {
    member: name(index),
    clusterUID: UID,
    incarnation: incarnation(id(index).slice(-8)),
    systemIdentifier: SYSTEM,
    state: 'standby',
    serving: false,
    open: true,
    floor: { epoch: epoch(3), primary: id(0), revision: 7 },
    seen: { clusterUID: UID, epoch: epoch(3), revision: 7 },
    promise: epoch(0),
    position: { epoch: epoch(3), lsn: lsn(END) },
    timeline: timelineId(3),
    forks: forksTo(3),
    checkpointTimeline: timelineId(3),
    replayLsn: lsn(END),
    streamingFrom: null,
    hearsPrimary: false,
    shutdownLsn: null,
    epochOfPrimary: epoch(3),
    asksToReturn: false,
    ending: false,
    tags: { nofailover: false, nosync: false, priority: 0 },
    replayLag: null,
    ...patch,
  };
}

/** A peer that runs as primary and answers. */
export const primaryPeer = (index: number, patch: Partial<PeerState> = {}): PeerView =>
  peer(index, { state: 'primary', serving: true, ...patch });

/** A peer that is dead: nobody listens on either port. */
export const deadPeer = (index: number): PeerView =>
  peer(index, {}, { last: 'refused', lastAt: ago(50), answeredAt: ago(5_000), postgres: 'refused' });

/** A peer that never answered. */
export const unknownPeer = (index: number): PeerView => ({
  member: name(index),
  state: null,
  answeredAt: null,
  last: 'never',
  lastAt: null,
  postgres: 'unknown',
});

/** A member without data. */
export const emptyPeer = (index: number): PeerView =>
  peer(index, {
    clusterUID: null,
    incarnation: null,
    systemIdentifier: '',
    state: 'empty',
    floor: null,
    position: null,
    timeline: timelineId(0),
    forks: [],
  });

export function memberRecord(index: number, patch: Partial<MemberRecord> = {}): MemberRecord {
  return {
    member: name(index),
    incarnation: incarnation(id(index).slice(-8)),
    systemIdentifier: SYSTEM,
    host: '127.0.0.1',
    postgresPort: 5_432,
    httpPort: 8_008,
    https: false,
    floor: null,
    tags: { nofailover: false, nosync: false, priority: 0 },
    ...patch,
  };
}

export interface ViewPatch {
  readonly now?: Instant;
  readonly self?: number;
  readonly settings?: Partial<HaSettings>;
  readonly local?: Partial<LocalView>;
  readonly server?: Partial<ServerView> | null;
  /** The record that is seen; null: known to be absent. */
  readonly record?: ClusterRecord | null;
  readonly seen?: Partial<RecordView>;
  readonly hold?: Partial<HoldView>;
  readonly members?: readonly MemberRecord[];
  readonly peers?: readonly PeerView[];
  readonly recruitment?: Recruitment | null;
  readonly primaryHeardAt?: Instant | null;
  readonly suspectedSince?: Instant | null;
  readonly failedRecruitAt?: Instant | null;
  readonly tasks?: readonly Task[];
  readonly wishes?: Partial<Wishes>;
  readonly chance?: number;
}

function compose(
  self: number,
  ownServer: ServerView | null,
  patch: ViewPatch,
  base: Partial<LocalView>,
): View {
  const seenRecord = patch.record === undefined ? record() : patch.record;
  const index = patch.self ?? self;
  const mine = patch.server === null ? null : ownServer === null ? null : { ...ownServer, ...patch.server };
  return {
    now: patch.now ?? NOW,
    startedAt: ago(100_000),
    self: name(index),
    settings: { ...SETTINGS, ...patch.settings },
    local: { ...local(index, { server: mine, ...base }), ...patch.local },
    record: {
      current: seenRecord === null ? null : { record: seenRecord, resourceVersion: '7' },
      known: true,
      changedAt: ago(500),
      epochSeenAt: ago(60_000),
      readAt: ago(100),
      absentSince: null,
      unreadable: null,
      lastValid: seenRecord,
      seen: null,
      told: null,
      apiReachable: true,
      ...patch.seen,
    },
    hold: {
      holder: holderOf(index),
      renewedAt: null,
      renewing: true,
      leadingSince: null,
      replies: {},
      provenNames: null,
      rowLsn: null,
      cause: 'failover',
      stoppedAt: null,
      releasedAt: null,
      heldUntil: null,
      ...patch.hold,
    },
    members: patch.members ?? [memberRecord(0), memberRecord(1), memberRecord(2)],
    peers: patch.peers ?? [0, 1, 2].filter((other) => other !== index).map((other) => peer(other)),
    recruitment: patch.recruitment ?? null,
    primaryHeardAt: patch.primaryHeardAt ?? null,
    suspectedSince: patch.suspectedSince ?? null,
    failedRecruitAt: patch.failedRecruitAt ?? null,
    tasks: patch.tasks ?? [],
    wishes: {
      shutdown: false,
      shutdownSince: null,
      mayLeavePostgres: false,
      restart: false,
      reinitialize: false,
      failover: null,
      lead: null,
      heldUntil: null,
      ...patch.wishes,
    },
    chance: patch.chance ?? 0,
    wallClock: Date.UTC(2026, 0, 1),
  };
}

/** pg-0 leads epoch 3; pg-1 and pg-2 stream; nothing is to be done. */
export function primaryView(patch: ViewPatch = {}): View {
  return compose(
    0,
    primaryServer(),
    {
      ...patch,
      hold: {
        renewedAt: ago(500),
        leadingSince: ago(60_000),
        replies: repliesOf(patch.server?.walsenders ?? primaryServer().walsenders),
        ...patch.hold,
      },
    },
    { state: 'primary' },
  );
}

/** What `Hold` remembers of them. */
function repliesOf(walsenders: readonly Walsender[]): Record<string, Instant> {
  const replies: Record<string, Instant> = {};
  for (const { identity, repliedAt } of walsenders)
    replies[identity] = instant(Math.max(replies[identity] ?? repliedAt, repliedAt));
  return replies;
}

/** pg-1 streams from pg-0, which leads epoch 3 and answers. */
export function standbyView(patch: ViewPatch = {}): View {
  return compose(1, streamingFrom(0), { peers: [primaryPeer(0), peer(2)], ...patch }, { state: 'standby' });
}

/** pg-1, a standby that follows nobody any more; everything of pg-0 is dead, and pg-2 hears it neither. */
export function orphanView(patch: ViewPatch = {}): View {
  return compose(
    1,
    server(),
    { suspectedSince: ago(1_000), peers: [deadPeer(0), peer(2)], ...patch },
    { state: 'standby' },
  );
}

/** A member whose Postgres is down and proven dead. */
export function stoppedView(index: number, patch: ViewPatch = {}): View {
  return compose(index, null, patch, { state: 'stopped', provenDead: true });
}

/** A member without data. */
export function emptyView(index: number, patch: ViewPatch = {}): View {
  return compose(index, null, patch, {
    state: 'empty',
    data: 'empty',
    provenDead: true,
    systemIdentifier: '',
    clusterUID: null,
    generation: null,
    identity: null,
    floor: null,
    timelineEpochs: {},
    timeline: timelineId(0),
    endOfWal: LSN_ZERO,
    forks: [],
  });
}

export function granted(
  index: number,
  position: { readonly epoch: number; readonly at: number } = { epoch: 3, at: END },
  patch: Partial<Extract<PromiseAnswer, { granted: true }>> = {},
): PromiseAnswer {
  return {
    granted: true,
    identity: id(index),
    epoch: epoch(4),
    position: { epoch: epoch(position.epoch), lsn: lsn(position.at) },
    mayLead: true,
    priority: 0,
    settledEpoch: epoch(3),
    ...patch,
  };
}

export const refused = (index: number, reason = 'it hears the primary', promise = 0): PromiseAnswer => ({
  granted: false,
  member: name(index),
  reason,
  promise: epoch(promise),
  floor: null,
});

export function recruitment(
  answers: readonly PromiseAnswer[],
  patch: Partial<Recruitment> = {},
): Recruitment {
  return {
    epoch: epoch(4),
    startedAt: ago(200),
    base: { record: record(), resourceVersion: '7' },
    baseAt: ago(200),
    answers,
    complete: false,
    walGone: false,
    ...patch,
  };
}

export function task(kind: Task['kind'], patch: Partial<Task> = {}): Task {
  return { kind, of: '', startedAt: ago(100), outcome: 'running', error: null, ...patch };
}

/** The checkpoint that a planned end begins with is done. */
export const checkpointed: readonly Task[] = [task('checkpoint', { startedAt: ago(1_000), outcome: 'done' })];
