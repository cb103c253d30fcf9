import { Registry } from 'prom-client';
import type { Lsn } from '../../../src/ha/lsn.ts';
import {
  incarnation,
  type MemberIncarnation,
  memberIncarnation,
  memberName,
} from '../../../src/ha/member.ts';
import type {
  HoldRequest,
  LeadRequest,
  PeerState,
  PromiseAnswer,
  PromiseRequest,
} from '../../../src/ha/peer.ts';
import { epoch, millis, timelineId } from '../../../src/ha/units.ts';
import type {
  AgentPort,
  ArchiveAnswer,
  ClusterMember,
  ClusterStatus,
  Control,
  ControlResult,
  MemberStatus,
} from '../../../src/http/ports.ts';
import type { BackupPort } from '../../../src/http/routes-backup.ts';
import type { CatalogPort } from '../../../src/http/routes-catalog.ts';
import type { RecoveryPort } from '../../../src/http/routes-recovery.ts';

const lsn = (text: string): Lsn => text as Lsn;
export const PG0: MemberIncarnation = memberIncarnation(memberName('pg-0'), incarnation('0000000a'));
export const PG1: MemberIncarnation = memberIncarnation(memberName('pg-1'), incarnation('0000000b'));
const NOW = '2026-05-01T10:00:00.250Z';

/** A primary that takes clients, with one standby. */
export const PRIMARY: MemberStatus = {
  cluster: 'demo',
  namespace: 'default',
  member: memberName('pg-0'),
  identity: PG0,
  version: '0.1.0',
  role: 'primary',
  state: 'primary',
  open: true,
  epoch: epoch(7),
  settledEpoch: epoch(7),
  timeline: timelineId(3),
  lsn: lsn('0/5000060'),
  replayLsn: lsn('0/5000060'),
  lagBytes: null,
  replayLag: null,
  systemIdentifier: '7268616322854375442',
  clusterUID: '2f1d5c1e-0000-4000-8000-000000000001',
  primary: PG0,
  postgresVersion: '17.5',
  postgresVersionNumber: 170_005,
  postgresPid: 4711,
  postmasterStartedAt: NOW,
  pendingRestart: [],
  recovery: null,
  paused: false,
  fenced: false,
  ending: false,
  cohort: [PG1],
  acks: 1,
  sync: null,
  replication: [
    {
      applicationName: PG1,
      state: 'streaming',
      syncState: 'quorum',
      sentLsn: lsn('0/5000060'),
      flushLsn: lsn('0/5000000'),
      replayLsn: lsn('0/5000000'),
      flushLag: millis(2),
      replayLag: millis(3),
    },
  ],
  streamingFrom: null,
  replicationState: null,
  tags: { nofailover: false, nosync: false, priority: 0 },
  leaseMargin: millis(8500),
  apiLastSeen: NOW,
  lastDecision: { kind: 'stay', reason: 'nothing to do', at: NOW },
  progress: null,
  archive: null,
  backup: null,
  catalog: {
    backups: 2,
    holes: 0,
    firstRecoverable: NOW,
    storedBytes: 4096,
    lastDrill: {
      ok: false,
      member: 'pg-1',
      backup: 'base_000000010000000000000003',
      startedAt: NOW,
      endedAt: NOW,
      rows: null,
      lastCommitAt: null,
      failure: 'there was no room',
    },
    lastGoodDrill: null,
    retention: { ok: true, endedAt: NOW },
    verify: null,
  },
  problems: [],
};

/** A standby that streams and counts. */
export const STANDBY: MemberStatus = {
  ...PRIMARY,
  member: memberName('pg-1'),
  identity: PG1,
  role: 'standby',
  state: 'standby',
  replayLsn: lsn('0/5000000'),
  lagBytes: 96,
  replayLag: millis(4),
  sync: 'quorum',
  replication: [],
  catalog: null,
  streamingFrom: PG0,
  replicationState: 'streaming',
  leaseMargin: null,
};

const MEMBER: ClusterMember = {
  name: memberName('pg-0'),
  identity: PG0,
  role: 'primary',
  state: 'primary',
  host: '10.0.0.1',
  port: 5432,
  http: 'http://10.0.0.1:8008',
  timeline: timelineId(3),
  epoch: epoch(7),
  lagBytes: null,
  replayLag: null,
  sync: null,
  streaming: false,
  fenced: false,
  pendingRestart: false,
  tags: PRIMARY.tags,
  progress: null,
};

export const CLUSTER: ClusterStatus = {
  cluster: 'demo',
  namespace: 'default',
  clusterUID: PRIMARY.clusterUID,
  systemIdentifier: PRIMARY.systemIdentifier,
  epoch: epoch(7),
  settledEpoch: epoch(7),
  primary: memberName('pg-0'),
  seenAt: NOW,
  timeline: timelineId(3),
  cohort: [PG1],
  acks: 1,
  durability: 'required',
  paused: false,
  fenced: [],
  ending: null,
  switchover: null,
  recovery: null,
  members: [
    {
      ...MEMBER,
      name: memberName('pg-1'),
      identity: PG1,
      role: 'standby',
      state: 'standby',
      host: '10.0.0.2',
      http: 'http://10.0.0.2:8008',
      lagBytes: 96,
      replayLag: millis(4),
      sync: 'quorum',
      streaming: true,
    },
    MEMBER,
  ],
};

export const PEER_STATE: PeerState = {
  member: memberName('pg-1'),
  clusterUID: PRIMARY.clusterUID,
  kept: null,
  incarnation: incarnation('0000000b'),
  systemIdentifier: PRIMARY.systemIdentifier,
  state: 'standby',
  serving: false,
  open: false,
  floor: { epoch: epoch(7), primary: PG0, revision: 4 },
  seen: { clusterUID: 'x', epoch: epoch(7), revision: 4 },
  promise: epoch(7),
  position: { epoch: epoch(7), lsn: lsn('0/5000060') },
  timeline: timelineId(3),
  forks: [{ timeline: timelineId(2), switchLsn: lsn('0/4000000') }],
  checkpointTimeline: timelineId(3),
  replayLsn: lsn('0/5000000'),
  streamingFrom: PG0,
  hearsPrimary: true,
  shutdownLsn: null,
  epochOfPrimary: epoch(7),
  asksToReturn: false,
  ending: false,
  tags: PRIMARY.tags,
  replayLag: millis(4),
};

export const GRANTED: PromiseAnswer = {
  granted: true,
  identity: PG1,
  epoch: epoch(8),
  position: { epoch: epoch(7), lsn: lsn('0/5000060') },
  mayLead: true,
  priority: 0,
  settledEpoch: epoch(7),
};

/** An agent that says what the test tells it to say, and remembers what it was asked. */
export class ScriptedAgent implements AgentPort {
  readonly registry = new Registry();
  current: MemberStatus = PRIMARY;
  state: PeerState = PEER_STATE;
  probes = { startup: true, ready: true, live: true };
  result: ControlResult = { accepted: true, message: 'recorded' };
  onPromise: (request: PromiseRequest, signal: AbortSignal) => Promise<PromiseAnswer> = async () => GRANTED;
  readonly calls: [string, ...unknown[]][] = [];
  readonly control: Control;
  readonly recovery: RecoveryPort;

  constructor() {
    const record =
      (name: string) =>
      async (...args: unknown[]): Promise<ControlResult> => {
        this.calls.push([name, ...args]);
        return this.result;
      };
    this.recovery = {
      begin: record('recover'),
      resume: record('resumeRecovery'),
      confirm: record('confirmRecovery'),
      abandon: record('abandonRecovery'),
    };
    this.control = {
      switchover: record('switchover'),
      cancelSwitchover: record('cancelSwitchover'),
      failover: record('failover'),
      fence: record('fence'),
      unfence: record('unfence'),
      pause: record('pause'),
      resume: record('resume'),
      restart: record('restart'),
      reload: record('reload'),
      reinitialize: record('reinitialize'),
    };
  }

  status = (): MemberStatus => this.current;
  cluster = (): ClusterStatus => CLUSTER;
  history = () => [
    { epoch: epoch(1), timeline: timelineId(1), primary: PG1, at: NOW, cause: 'bootstrap', switchLsn: null },
    {
      epoch: epoch(5),
      timeline: timelineId(2),
      primary: PG0,
      at: NOW,
      cause: 'takeover',
      switchLsn: lsn('0/3000000'),
    },
    { epoch: epoch(6), timeline: timelineId(2), primary: PG0, at: NOW, cause: 'self-bump', switchLsn: null },
    {
      epoch: epoch(7),
      timeline: timelineId(3),
      primary: PG0,
      at: NOW,
      cause: 'switchover',
      switchLsn: lsn('0/4000000'),
    },
  ];
  configuration = (): unknown => ({ cluster: 'demo', password: '***' });
  probe = (kind: 'startup' | 'ready' | 'live') => ({
    ok: this.probes[kind],
    reason: this.probes[kind] ? `${kind}: fine` : `${kind}: not yet`,
  });
  peerState = (): PeerState => this.state;
  promise = (request: PromiseRequest, signal: AbortSignal): Promise<PromiseAnswer> => {
    this.calls.push(['promise', request]);
    return this.onPromise(request, signal);
  };
  lead = (request: LeadRequest): void => void this.calls.push(['lead', request]);
  hold = (request: HoldRequest) => {
    this.calls.push(['hold', request]);
    return { granted: true, identity: PG1 };
  };
  pooler = (name: string, holds: boolean): boolean => {
    this.calls.push(['pooler', name, holds]);
    return true;
  };
  archivePush = async (file: string): Promise<ArchiveAnswer> => {
    this.calls.push(['archivePush', file]);
    return { status: 503, text: `${file} is kept: the store is away` };
  };
  readonly backups: BackupPort = {
    start: async (request) => {
      this.calls.push(['backup', request]);
      return request.from === 'pg-9'
        ? {
            refused: { code: 'MEMBER_UNKNOWN', message: 'there is no member pg-9', remedy: 'name another' },
            status: 404,
          }
        : { message: 'pg-1 takes a backup', member: 'pg-1', run: 'abcd1234' };
    },
    switchWal: async (wish) => {
      this.calls.push(['switchWal', wish]);
      return { lsn: '0/3000028' };
    },
  };
  readonly catalog: CatalogPort = {
    overview: async () => ({
      archive: 'file:///archive',
      systemIdentifier: '7',
      layout: 'wal-g',
      timeline: null,
      segments: 0,
      walBytes: 0,
      backups: [],
      unreadable: [],
      unfinished: [],
      intervals: [],
      holes: [],
    }),
    begin: async (request) => {
      this.calls.push(['job', request]);
      return request.kind === 'delete' && request.backup === 'base_9'
        ? {
            refused: { code: 'RETENTION_BACKUP_UNKNOWN', message: 'no base_9', remedy: 'name another' },
            status: 404,
          }
        : { message: 'pg-1 begins', member: 'pg-1', id: 'abcd12' };
    },
    jobs: () => [
      {
        id: 'abcd12',
        kind: 'drill',
        state: 'running',
        startedAt: '2030-01-31T03:00:00.000Z',
        endedAt: null,
        detail: 'unpacking',
        fraction: 0.5,
        result: null,
        error: null,
      },
    ],
  };
  fetchAnswer: ArchiveAnswer = { status: 200, text: 'fetched' };
  archiveFetch = async (file: string): Promise<ArchiveAnswer> => {
    this.calls.push(['archiveFetch', file]);
    return this.fetchAnswer;
  };
}
